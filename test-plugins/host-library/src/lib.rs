//! A library that is itself a host and loads plugins into its own store.

use std::ffi::c_void;

use plugin_tls::host::Plugin;
use test_api::probe::{Probe, Write};

test_api::export_operations!();

/// Loads the plugin at a UTF-8 path. Returns its `probe`, or `None` after it wrote the reason.
///
/// # Safety
///
/// `path` must point to `length` readable bytes, which are the path of a plugin of this workspace. `write` must accept
/// `to` and any text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn load(path: *const u8, length: usize, write: Write, to: *mut c_void) -> Option<Probe> {
    let load = || {
        // SAFETY: the caller guarantees that `path` points to `length` readable bytes.
        let path = unsafe { std::slice::from_raw_parts(path, length) };
        // SAFETY: the caller guarantees that the file is a plugin of this workspace. Its initializers may run here.
        let plugin = unsafe { Plugin::load(&*String::from_utf8_lossy(path)) }?;
        // SAFETY: `export_operations!` exports `probe` with the type `Probe`. Dropping `plugin` keeps the plugin
        // loaded.
        unsafe { plugin.get::<Probe>(b"probe") }.map(|probe| *probe)
    };
    match load() {
        Ok(probe) => Some(probe),
        Err(error) => {
            let reason = error.to_string();
            // SAFETY: the caller guarantees that `write` accepts `to`. The reason lives until `write` returns.
            unsafe { write(to, reason.as_ptr(), reason.len()) };
            None
        }
    }
}

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
