//! A library that gets its context by hand.

use std::ffi::c_void;

use plugin_tls::Context;
use test_api::probe::Write;

plugin_tls::export_plugin!(by_hand);
test_api::export_operations!();

/// Connects this library: 0, or 1 with the reason.
///
/// # Safety
///
/// `context` is as `Context::initialize` wants it; `write` accepts `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(context: Context, write: Write, to: *mut c_void) -> u32 {
    // SAFETY: the caller's word.
    match unsafe { context.initialize() } {
        Ok(()) => 0,
        Err(error) => {
            let text = format!("{error:?}\n{error}");
            // SAFETY: the caller's word.
            unsafe { write(to, text.as_ptr(), text.len()) };
            1
        }
    }
}
