//! The functions of an allocator, as one binary calls them in another.
//!
//! An image that has a store has a note that leads to the functions of its global allocator: see
//! [`sys::note`](crate::sys::note). A plugin finds them before it allocates anything.

use std::alloc::{GlobalAlloc, Layout};

use crate::header::Header;

/// The functions of an allocator. Each takes and returns what the method of [`GlobalAlloc`] of the same name does, with the
/// layout as size and alignment.
#[repr(C)]
#[derive(Debug)]
pub struct Allocator {
    pub header: Header,
    pub alloc: unsafe extern "C" fn(size: usize, align: usize) -> *mut u8,
    pub dealloc: unsafe extern "C" fn(memory: *mut u8, size: usize, align: usize),
    pub realloc: unsafe extern "C" fn(memory: *mut u8, size: usize, align: usize, new_size: usize) -> *mut u8,
    pub alloc_zeroed: unsafe extern "C" fn(size: usize, align: usize) -> *mut u8,
    /// When this binary's loader began the load that it is busy with on the calling thread: the system's monotonic clock in
    /// nanoseconds. 0 if it is not busy there. `None` in a binary that is no host.
    pub loading: Option<extern "C" fn() -> u64>,
}

impl Allocator {
    /// The functions of `A`.
    pub const fn of<A: GlobalAlloc + Default>(loading: Option<extern "C" fn() -> u64>) -> Self {
        Allocator {
            header: Header::of::<Allocator>(),
            alloc: alloc::<A>,
            dealloc: dealloc::<A>,
            realloc: realloc::<A>,
            alloc_zeroed: alloc_zeroed::<A>,
            loading,
        }
    }
}

/// # Safety
///
/// As [`GlobalAlloc::alloc`], for a valid layout.
unsafe extern "C" fn alloc<A: GlobalAlloc + Default>(size: usize, align: usize) -> *mut u8 {
    // SAFETY: the caller guarantees that the layout is valid and that the allocator's conditions hold.
    unsafe { A::default().alloc(Layout::from_size_align_unchecked(size, align)) }
}

/// # Safety
///
/// As [`GlobalAlloc::dealloc`], for a valid layout.
unsafe extern "C" fn dealloc<A: GlobalAlloc + Default>(memory: *mut u8, size: usize, align: usize) {
    // SAFETY: the caller guarantees that the layout is valid and that the allocator's conditions hold.
    unsafe { A::default().dealloc(memory, Layout::from_size_align_unchecked(size, align)) }
}

/// # Safety
///
/// As [`GlobalAlloc::realloc`], for a valid layout.
unsafe extern "C" fn realloc<A: GlobalAlloc + Default>(
    memory: *mut u8,
    size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    // SAFETY: the caller guarantees that the layout is valid and that the allocator's conditions hold.
    unsafe { A::default().realloc(memory, Layout::from_size_align_unchecked(size, align), new_size) }
}

/// # Safety
///
/// As [`GlobalAlloc::alloc_zeroed`], for a valid layout.
unsafe extern "C" fn alloc_zeroed<A: GlobalAlloc + Default>(size: usize, align: usize) -> *mut u8 {
    // SAFETY: the caller guarantees that the layout is valid and that the allocator's conditions hold.
    unsafe { A::default().alloc_zeroed(Layout::from_size_align_unchecked(size, align)) }
}

/// The global allocator of this binary, whatever it is.
#[derive(Clone, Copy, Default, Debug)]
pub struct Global;

// SAFETY: all calls go to the global allocator unchanged.
unsafe impl GlobalAlloc for Global {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller guarantees what the allocator asks.
        unsafe { std::alloc::alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller guarantees what the allocator asks.
        unsafe { std::alloc::dealloc(memory, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller guarantees what the allocator asks.
        unsafe { std::alloc::realloc(memory, layout, new_size) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller guarantees what the allocator asks.
        unsafe { std::alloc::alloc_zeroed(layout) }
    }
}
