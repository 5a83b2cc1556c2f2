//! A library that receives its context through an exported function.

use std::ffi::c_void;

use plugin_tls::Context;
use test_api::probe::Write;

plugin_tls::export_plugin!(by_hand);
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

/// Makes this library a host: the context of its own store.
#[unsafe(no_mangle)]
pub extern "C" fn become_host() -> Context {
    Context::get()
}
