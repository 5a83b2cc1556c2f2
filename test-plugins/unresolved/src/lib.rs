//! A library that refers to a symbol that no library defines.
//!
//! The linkers of other systems than Linux reject such a library.

#[cfg(target_os = "linux")]
mod linux {
    unsafe extern "C" {
        fn test_plugin_undefined_symbol() -> i32;
    }

    /// Refers to the symbol.
    #[unsafe(no_mangle)]
    pub extern "C" fn answer() -> i32 {
        // SAFETY: this never runs, because the library cannot be loaded.
        unsafe { test_plugin_undefined_symbol() }
    }
}
