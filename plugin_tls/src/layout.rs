//! What only the place of the declaration knows: the item's text, and whether its type has an `abi_stable` layout.
//!
//! `Probe::new(&ITEM).__plugin_tls_declare(..)` finds the method of `Probe` itself where `T: StableAbi`, and behind
//! `Probe`'s deref the one of [`NoLayout`] everywhere else. The choice is made where `T` is concrete, and no trait needs to
//! be in scope. The method has a name that no user's trait has, which could come first.

use std::ffi::c_void;
use std::ops::Deref;

use crate::item::{self, Item, TypeInfo};

/// Finds the layout of an item's type.
#[derive(Debug)]
pub struct Probe<I: 'static>(NoLayout<I>);

/// What is behind a [`Probe`] of a type without layout.
#[derive(Debug)]
pub struct NoLayout<I: 'static>(&'static I);

impl<I: Item> Probe<I> {
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub const fn new(item: &'static I) -> Self {
        Probe(NoLayout(item))
    }
}

#[cfg(feature = "abi_stable")]
impl<I: Item<Value: abi_stable::StableAbi>> Probe<I> {
    #[doc(hidden)]
    #[inline]
    pub fn __plugin_tls_declare(&self, text: &'static str, here: &'static str, initializer: fn() -> I::Value) {
        fn layout<T: abi_stable::StableAbi>() -> *const c_void {
            std::ptr::from_ref(T::LAYOUT).cast()
        }
        self.0.declare(const { &TypeInfo::of::<I>(layout::<I::Value>) }, text, here, initializer);
    }
}

impl<I: Item> NoLayout<I> {
    #[doc(hidden)]
    #[inline]
    pub fn __plugin_tls_declare(&self, text: &'static str, here: &'static str, initializer: fn() -> I::Value) {
        fn none() -> *const c_void {
            std::ptr::null()
        }
        self.declare(const { &TypeInfo::of::<I>(none) }, text, here, initializer);
    }

    #[inline]
    fn declare(&self, ty: &'static TypeInfo, text: &'static str, here: &'static str, initializer: fn() -> I::Value) {
        // SAFETY: all of it belongs to one item: the types say so.
        unsafe {
            item::declare(self.0.raw(), ty, initializer as *const (), Text::new(text).0, here.as_ptr(), here.len());
        }
    }
}

impl<I> Deref for Probe<I> {
    type Target = NoLayout<I>;

    #[inline]
    fn deref(&self) -> &NoLayout<I> {
        &self.0
    }
}

/// The macros' text about an item. It ends in [`Text::END`], so that an item need not keep its length.
#[derive(Debug)]
pub(crate) struct Text(*const u8);

// SAFETY: it points to text that lives as long as the binary and does not change.
unsafe impl Send for Text {}
// SAFETY: as above.
unsafe impl Sync for Text {}

impl Text {
    /// ASCII's end of text.
    const END: u8 = 3;

    #[inline]
    fn new(text: &'static str) -> Self {
        // Constant, where it is inlined.
        assert!(text.as_bytes().last() == Some(&Self::END));
        Text(text.as_ptr())
    }

    /// # Safety
    ///
    /// `pointer` is that of another [`Text`].
    pub(crate) unsafe fn from_ptr(pointer: *const u8) -> Self {
        Text(pointer)
    }

    /// See [`crate::key::Declaration::read`].
    pub(crate) fn get(&self) -> &'static str {
        let mut length = 0;
        // SAFETY: `new` has seen the end. What precedes an ASCII character is whole UTF-8.
        unsafe {
            while *self.0.add(length) != Self::END {
                length += 1;
            }
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.0, length))
        }
    }
}

/// The version of `abi_stable` whose layouts this binary has, as far as they can be compared; empty without.
pub(crate) const LAYOUTS: &str = if cfg!(feature = "abi_stable") { "0.11" } else { "" };
