//! The host's allocator: the system's allocator and a counter of the bytes in use. The size of the process varies for
//! other reasons than leaks. The counter does not.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// All accesses are relaxed: scenarios read the counter after they have joined the threads whose allocations matter.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// The number of bytes that the host has in use, and the plugins that allocate through it.
pub fn in_use() -> usize {
    IN_USE.load(Relaxed)
}

// SAFETY: all calls go to the system's allocator unchanged, and the counter does not affect what they return.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller guarantees that `layout` has a nonzero size.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller guarantees that this allocator, which is the system's, returned `memory` for `layout`.
        unsafe { System.dealloc(memory, layout) }
    }
}
