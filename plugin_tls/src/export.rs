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

            $crate::__constructor!($crate::__private::mark_exported);
        };
        $crate::__take_over!();
    };
}

/// Defines the hidden functions that lead to `takeover.rs`, where there is such a thing. Called by `export_plugin!`, in the
/// plugin's own crate.
#[doc(hidden)]
#[macro_export]
macro_rules! __take_over {
    () => {
        #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
        $crate::__take_over! { "jmp" }
        #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "aarch64"))]
        $crate::__take_over! { "b" }
    };
    ($jump:literal) => {
        $crate::__private::global_asm!(
            ".pushsection .text.plugin_tls_takeover, \"ax\", %progbits",
            ".p2align 4",
            $crate::__take_over!($jump, "__cxa_thread_atexit_impl", "{at_thread_exit}"),
            $crate::__take_over!($jump, "pthread_key_create", "{key_create}"),
            $crate::__take_over!($jump, "pthread_key_delete", "{key_delete}"),
            $crate::__take_over!($jump, "pthread_setspecific", "{key_set}"),
            $crate::__take_over!($jump, "pthread_create", "{thread_create}"),
            ".popsection",
            at_thread_exit = sym $crate::__private::takeover::at_thread_exit,
            key_create = sym $crate::__private::takeover::key_create,
            key_delete = sym $crate::__private::takeover::key_delete,
            key_set = sym $crate::__private::takeover::key_set,
            thread_create = sym $crate::__private::takeover::thread_create,
        );
    };
    ($jump:literal, $name:literal, $target:literal) => {
        $crate::__private::concat!(
            ".globl ", $name, "\n",
            ".hidden ", $name, "\n",
            ".type ", $name, ", %function\n",
            $name, ":\n",
            $jump, " ", $target, "\n",
            ".size ", $name, ", . - ", $name
        )
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
