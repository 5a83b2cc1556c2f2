//! A library that receives its context through an `abi_stable` root module.

use abi_stable::export_root_module;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::std_types::{ROption, RResult, RStr, RString};
use plugin_tls_abi_stable::Context;
use test_api::Outcome;
use test_api::stable_root::{Root, RootRef};

plugin_tls::export_plugin!(by_hand);

/// The loader of `abi_stable` calls this.
#[export_root_module]
pub fn root() -> RootRef {
    Root { connect, run }.leak_into_prefix()
}

extern "C" fn connect(context: Context) -> RResult<(), RString> {
    // SAFETY: the test host passes its own context, which lives as long as the process.
    unsafe { context.initialize() }.map_err(|error| RString::from(error.to_string())).into()
}

extern "C" fn run(name: RStr<'_>, argument: u64) -> ROption<u64> {
    match test_api::probe::run(&[], name.as_str(), argument) {
        Outcome::Done { number, .. } => ROption::RSome(number),
        _ => ROption::RNone,
    }
}
