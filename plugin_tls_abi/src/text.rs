//! Texts, and sinks that texts are written to.

use std::ffi::c_void;

/// UTF-8 text of this or another binary, without a lifetime. The function that passes it says how long it lives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    pub(crate) pointer: *const u8,
    pub(crate) length: usize,
}

impl Str {
    pub const fn new(text: &str) -> Self {
        Str { pointer: text.as_ptr(), length: text.len() }
    }

    /// # Safety
    ///
    /// The text was made by [`Str::new`], in this or another binary, from a `str` that is alive for `'a`.
    pub unsafe fn get<'a>(self) -> &'a str {
        // SAFETY:
        // - Pointer and length are those of a `str`, so they are valid for reads, and the bytes are UTF-8.
        // - The caller guarantees that the `str` is alive for `'a`. It is behind a shared reference, so nothing writes it.
        unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.pointer, self.length)) }
    }
}

/// Where the other side writes text to. `write` copies the text before it returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Sink {
    pub(crate) write: unsafe extern "C" fn(to: *mut c_void, text: Str),
    pub(crate) to: *mut c_void,
}

impl Sink {
    /// A sink that appends to `text`. [`write`](Self::write) must not be called after `text` is gone.
    pub fn new(text: &mut String) -> Self {
        unsafe extern "C" fn append(to: *mut c_void, text: Str) {
            // SAFETY:
            // - `to` was made from a `&mut String` below. The caller of `Sink::write` guarantees that the string is alive
            //   and not borrowed.
            // - `text` is alive for this call, as `Sink::write` passes it.
            unsafe { (*to.cast::<String>()).push_str(text.get()) }
        }
        Sink { write: append, to: std::ptr::from_mut(text).cast() }
    }

    /// Appends `text` to the string that the sink was made from.
    ///
    /// # Safety
    ///
    /// That string is alive and not borrowed.
    pub unsafe fn write(&self, text: &str) {
        // SAFETY: `append` asks that the string is alive and not borrowed, which the caller guarantees, and that the text
        // is alive for the call, which a reference is.
        unsafe { (self.write)(self.to, Str::new(text)) }
    }
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}
