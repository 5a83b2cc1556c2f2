//! A library that is itself a host: it loads plugins into a store of its own.

use std::ffi::c_void;

use plugin_tls::host::Plugin;
use test_api::probe::{Probe, Write};

test_api::export_operations!();

/// Loads the plugin at a path, which is text: its `probe`, or nothing and the reason.
///
/// # Safety
///
/// The path is that of a plugin of this workspace; `write` accepts `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn load(path: *const u8, length: usize, write: Write, to: *mut c_void) -> Option<Probe> {
    let load = || {
        // SAFETY: the caller's word.
        let path = unsafe { std::slice::from_raw_parts(path, length) };
        // SAFETY: the caller's word.
        let plugin = unsafe { Plugin::load(&*String::from_utf8_lossy(path)) }?;
        // SAFETY: the type of `probe`. Dropping the plugin keeps it loaded.
        unsafe { plugin.get::<Probe>(b"probe") }.map(|probe| *probe)
    };
    match load() {
        Ok(probe) => Some(probe),
        Err(error) => {
            let reason = error.to_string();
            // SAFETY: the caller's word.
            unsafe { write(to, reason.as_ptr(), reason.len()) };
            None
        }
    }
}

/// The name by which this library's store calls the library.
///
/// # Safety
///
/// `write` accepts `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn host_name(write: Write, to: *mut c_void) {
    let snapshot = plugin_tls::host::snapshot();
    let name = snapshot.items().first().and_then(|item| item.owner.as_deref()).unwrap_or_default();
    // SAFETY: the caller's word.
    unsafe { write(to, name.as_ptr(), name.len()) };
}
