//! Functions that run when a binary is loaded: before `main`, or within `dlopen`.
//!
//! The sections are those that the crate `inventory` uses. Its lists would do as well, but with two more statics, three
//! more relocations and a second function for each item: 209 bytes of 592.

/// Has a function called when the binary is loaded. It is an `extern "C" fn()` and runs on one thread, possibly before the
/// constructors of others.
#[doc(hidden)]
#[macro_export]
macro_rules! __constructor {
    ($function:path) => {
        #[used]
        #[cfg_attr(not(any(windows, target_vendor = "apple")), unsafe(link_section = ".init_array"))]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
        #[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
        static CONSTRUCTOR: extern "C" fn() = $function;
    };
}
