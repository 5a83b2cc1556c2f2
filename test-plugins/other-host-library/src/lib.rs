//! A library that has its own store and exports a function that returns the store's context.

use std::ffi::c_void;

use plugin_tls::Context;
use test_api::probe::Write;

test_api::export_operations!();

/// Connects this library. Returns 0, or 1 after it wrote the reason.
///
/// # Safety
///
/// `context` must meet the conditions of `Context::initialize`, and `write` must accept `to` and any text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(context: Context, write: Write, to: *mut c_void) -> u32 {
    // SAFETY: the caller guarantees that `context` meets the conditions of `initialize`.
    match unsafe { context.initialize() } {
        Ok(()) => 0,
        Err(error) => {
            let text = format!("{error:?}\n{error}");
            // SAFETY: the caller guarantees that `write` accepts `to`. The text lives until `write` returns.
            unsafe { write(to, text.as_ptr(), text.len()) };
            1
        }
    }
}

/// The context of this library's store.
#[unsafe(no_mangle)]
pub extern "C" fn context() -> Context {
    Context::get()
}
