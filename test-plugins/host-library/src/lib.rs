//! A library that is itself a host and loads plugins into its own store.

use std::ffi::c_void;

use test_api::probe::Write;

test_api::export_operations!();
test_api::export_load!(plugin_tls::host::Plugin);

/// Writes the name that this library's store has for the library.
///
/// # Safety
///
/// `write` must accept `to` and any text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn host_name(write: Write, to: *mut c_void) {
    let snapshot = plugin_tls::host::snapshot();
    let name = snapshot.items().first().and_then(|item| item.owner.as_deref()).unwrap_or_default();
    // SAFETY: the caller guarantees that `write` accepts `to`. The name lives until `write` returns.
    unsafe { write(to, name.as_ptr(), name.len()) };
}
