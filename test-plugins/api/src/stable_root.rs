//! The interface of a library that `abi_stable` loads. The host passes its context through it.

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{ROption, RResult, RStr, RString};
use plugin_tls_abi_stable::Context;

/// The root module of the library.
#[repr(C)]
#[derive(Debug, StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RootRef)))]
#[sabi(missing_field(panic))]
pub struct Root {
    /// Calls `Context::initialize` in the library.
    pub connect: extern "C" fn(Context) -> RResult<(), RString>,
    /// Runs an operation in the library. Returns its number if it succeeded.
    #[sabi(last_prefix_field)]
    pub run: extern "C" fn(RStr<'_>, u64) -> ROption<u64>,
}

impl RootModule for RootRef {
    abi_stable::declare_root_module_statics! {RootRef}

    const BASE_NAME: &'static str = "test_plugin_stable_root";
    const NAME: &'static str = "test_plugin_stable_root";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
