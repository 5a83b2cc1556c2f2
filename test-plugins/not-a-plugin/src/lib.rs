//! A library that is no plugin: it does not call `export_plugin!`.

/// Something that it exports.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> i32 {
    42
}
