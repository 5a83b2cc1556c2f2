//! A library that needs a symbol that nobody has.
//!
//! Other systems than Linux do not link such a library at all.

#[cfg(target_os = "linux")]
mod linux {
    unsafe extern "C" {
        fn test_plugin_symbol_that_nobody_has() -> i32;
    }

    /// Needs it.
    #[unsafe(no_mangle)]
    pub extern "C" fn answer() -> i32 {
        // SAFETY: never called: the library cannot be loaded.
        unsafe { test_plugin_symbol_that_nobody_has() }
    }
}
