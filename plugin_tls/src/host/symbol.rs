//! What a plugin exports.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// A function or static that a plugin exports. It cannot outlive the handle that it was found with.
///
/// It dereferences to a `T`: for a function the function pointer's type, for a static a raw pointer to it.
///
/// ```no_run
/// # use plugin_tls::host::{LoadError, Plugin, Symbol};
/// # fn run(plugin: &Plugin) -> Result<i32, LoadError> {
/// // SAFETY: the plugin exports `extern "C" fn answer() -> i32`.
/// let answer: Symbol<'_, extern "C" fn() -> i32> = unsafe { plugin.get(b"answer")? };
/// # Ok(
/// answer()
/// # )
/// # }
/// ```
pub struct Symbol<'plugin, T> {
    /// The symbol's address, which is a `T`.
    address: *mut c_void,
    plugin: PhantomData<(&'plugin (), T)>,
}

// SAFETY: a symbol gives out a `T`, and nothing else.
unsafe impl<T: Send> Send for Symbol<'_, T> {}
// SAFETY: a shared symbol gives out a `&T`, and nothing else.
unsafe impl<T: Sync> Sync for Symbol<'_, T> {}

impl<T> Symbol<'_, T> {
    const IS_POINTER: () = assert!(
        size_of::<T>() == size_of::<*mut c_void>() && align_of::<T>() == align_of::<*mut c_void>(),
        "a symbol's type is a function pointer or a pointer to a static"
    );

    /// # Safety
    ///
    /// The address is a valid `T`: that of a function of that type, or of a static that `T` points to.
    pub(super) unsafe fn new(address: *mut c_void) -> Self {
        let () = Self::IS_POINTER;
        Symbol { address, plugin: PhantomData }
    }
}

impl<T> Deref for Symbol<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the caller of `new` guarantees that the address is a valid `T`, and both have the same size and alignment.
        unsafe { &*(&raw const self.address).cast::<T>() }
    }
}

impl<T> Clone for Symbol<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Symbol<'_, T> {}

impl<T> fmt::Debug for Symbol<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Symbol").field(&self.address).finish()
    }
}
