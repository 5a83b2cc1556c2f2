//! The plugin's side of loading: [`export_plugin!`](crate::export_plugin).

use std::ffi::c_void;

use crate::abi::{self, Entry, Header, Sink, Status};
use crate::context::Context;

/// Makes this cdylib a plugin that [`host::Plugin::load`](crate::host::Plugin::load) can load.
///
/// Once in the plugin's crate, with nothing else to write. It exports the symbol `plugin_tls_entry`.
///
/// ```standalone_crate
/// plugin_tls::export_plugin!();
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_plugin {
    () => {
        const _: () = {
            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals)]
            pub static plugin_tls_entry: $crate::__private::Entry = $crate::__private::Entry::new();

            $crate::__private::submit! { $crate::__private::Exported }
        };
        $crate::__take_over!();
    };
}

impl Entry {
    #[doc(hidden)]
    #[must_use]
    #[allow(clippy::new_without_default, reason = "only the macro makes one")]
    pub const fn new() -> Self {
        Entry { header: Header::of::<Entry>(), connect: Some(connect), disconnect: Some(disconnect) }
    }
}

/// See [`Entry::connect`].
///
/// # Safety
///
/// `table` and `load` are a host's; `report` is a usable [`Sink`].
unsafe extern "C" fn connect(table: *const c_void, load: *mut c_void, report: *const c_void) -> Status {
    // SAFETY: the caller's word.
    match unsafe { Context::from_table(table).initialize_for(load) } {
        Ok(()) => abi::OK,
        Err(error) => {
            // SAFETY: the caller's word.
            unsafe { (*report.cast::<Sink>()).write(&error.to_string()) };
            abi::REJECTED
        }
    }
}

/// See [`Entry::disconnect`].
///
/// # Safety
///
/// As [`crate::binary::disconnect`].
unsafe extern "C" fn disconnect() {
    // SAFETY: the caller's word.
    unsafe { crate::binary::disconnect() }
}
