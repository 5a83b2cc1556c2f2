//! The macros' text about an item.

use std::ffi::CStr;

/// Text that ends in a NUL byte, so that an item keeps one pointer and no length. An address in a static costs a
/// binary 32 bytes, because the loader has to relocate it.
#[derive(Debug)]
pub(super) struct Text(*const u8);

// SAFETY: the pointer is to text that lives as long as the binary and does not change.
unsafe impl Send for Text {}
// SAFETY: the text is only read.
unsafe impl Sync for Text {}

impl Text {
    /// The text's address, for [`from_ptr`](Self::from_ptr).
    ///
    /// # Panics
    ///
    /// If the text does not end in a NUL byte. The macros' texts do.
    #[inline]
    pub(super) fn address(text: &'static str) -> *const u8 {
        // A constant where this is inlined.
        assert!(text.as_bytes().last() == Some(&0));
        text.as_ptr()
    }

    /// # Safety
    ///
    /// `pointer` comes from [`address`](Self::address).
    pub(super) unsafe fn from_ptr(pointer: *const u8) -> Self {
        Text(pointer)
    }

    /// The text without its end.
    pub(super) fn get(&self) -> &'static str {
        // SAFETY: `address` has seen the NUL byte at the text's end, and the text does not change for as long as the binary is
        // there.
        let text: &'static [u8] = unsafe { CStr::from_ptr(self.0.cast()) }.to_bytes();
        // SAFETY: the text is a `&'static str`, and what precedes an ASCII character in a `str` is whole UTF-8.
        unsafe { std::str::from_utf8_unchecked(text) }
    }
}
