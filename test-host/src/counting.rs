//! The host's allocator: the system's, with a count of what is in use, so that a scenario can tell a leak from the unrest of
//! the system's memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Relaxed everywhere: a count, read when the threads that matter are done.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// How many bytes the host has in use.
pub fn in_use() -> usize {
    IN_USE.load(Relaxed)
}

/// Counts memory that a plugin's allocator has handed out, and that the host is about to free. (Both are the system's.)
pub fn adopt(bytes: usize) {
    IN_USE.fetch_add(bytes, Relaxed);
}

// SAFETY: the system's allocator, whatever it returns; the count has no influence on it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.dealloc(memory, layout) }
    }
}
