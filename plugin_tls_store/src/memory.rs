//! Memory for values.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Memory that is freed when this is dropped. What is in it is not dropped.
#[derive(Debug)]
pub(crate) struct Allocation {
    memory: NonNull<u8>,
    layout: Layout,
}

// SAFETY: an allocation owns memory, which may be freed on any thread. What is in it is the business of who put it there.
unsafe impl Send for Allocation {}

impl Allocation {
    /// Memory for `layout`, not initialized; at least one byte of it.
    pub(crate) fn new(layout: Layout) -> Self {
        let layout =
            Layout::from_size_align(layout.size().max(1), layout.align()).expect("one byte fits any alignment");
        // SAFETY: the layout has at least one byte.
        let memory = unsafe { alloc(layout) };
        Allocation { memory: NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout)), layout }
    }

    /// The first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.memory
    }

    /// Gives up ownership, for [`from_raw`](Self::from_raw).
    pub(crate) fn into_raw(self) -> NonNull<u8> {
        let memory = self.memory;
        std::mem::forget(self);
        memory
    }

    /// # Safety
    ///
    /// `memory` comes from [`into_raw`](Self::into_raw) of an allocation that was made with `layout`, and it is owned once.
    pub(crate) unsafe fn from_raw(memory: NonNull<u8>, layout: Layout) -> Self {
        let layout =
            Layout::from_size_align(layout.size().max(1), layout.align()).expect("one byte fits any alignment");
        Allocation { memory, layout }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: `new` allocated the memory with this layout, and this owns it.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) }
    }
}
