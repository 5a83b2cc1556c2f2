//! A library that is not a plugin, because it does not call `export_plugin!`.

/// Exports something, so that the library is not empty.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> i32 {
    42
}
