//! The macros' text about an item.

/// Text that ends in [`Text::END`], so that an item keeps one pointer and no length. An address in a static costs a
/// binary 32 bytes, because the loader has to relocate it.
#[derive(Debug)]
pub(super) struct Text(*const u8);

// SAFETY: the pointer is to text that lives as long as the binary and does not change.
unsafe impl Send for Text {}
// SAFETY: the text is only read.
unsafe impl Sync for Text {}

impl Text {
    /// ASCII's end of text.
    const END: u8 = 3;

    /// The text's address, for [`from_ptr`](Self::from_ptr).
    ///
    /// # Panics
    ///
    /// If the text does not end in [`Text::END`]. The macros' texts do.
    #[inline]
    pub(super) fn address(text: &'static str) -> *const u8 {
        // A constant where this is inlined.
        assert!(text.as_bytes().last() == Some(&Self::END));
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
        let mut length = 0;
        // SAFETY:
        // - `address` has seen the end, so that this reads no byte beyond it.
        // - The text is a `&'static str`, and what precedes an ASCII character in a `str` is whole UTF-8.
        unsafe {
            while *self.0.add(length) != Self::END {
                length += 1;
            }
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.0, length))
        }
    }
}
