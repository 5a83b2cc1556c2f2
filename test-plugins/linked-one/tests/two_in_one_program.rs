//! A program that links two plugins' crates: they are no plugins there. It has an allocator of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, and the number of blocks that it has given out.
struct Counting(AtomicUsize);

#[global_allocator]
static COUNTING: Counting = Counting(AtomicUsize::new(0));

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(1, Relaxed);
        // SAFETY: the caller guarantees what the allocator asks.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller guarantees what the allocator asks.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// In a plugin, `export_plugin!` defines a global allocator. In a program there can be only one.
#[test]
fn the_programs_allocator_is_its_own() {
    let before = COUNTING.0.load(Relaxed);
    drop(std::hint::black_box(Box::new(test_plugin_linked_one::add(0))));
    assert!(COUNTING.0.load(Relaxed) > before);
}

#[test]
fn two_plugins_crates_work_in_one_program() {
    assert_eq!(test_plugin_linked_one::add(1), (1, 1));
    assert_eq!(test_plugin_linked_two::add(10), (10, 11), "the counter of their common crate is one");
}

/// A plugin defines `pthread_create` and others for itself. In a program they would be the program's.
#[cfg(target_os = "linux")]
#[test]
fn the_programs_threads_are_made_by_the_c_library() {
    use std::ffi::CStr;
    use std::mem::zeroed;

    // Both crates are linked.
    assert_eq!(test_plugin_linked_one::exported_add(0), test_plugin_linked_two::exported_add(0));
    // SAFETY: a `Dl_info` is numbers and pointers, for which zero is valid.
    let mut info: libc::Dl_info = unsafe { zeroed() };
    // SAFETY: the function takes any address, and `info` is writable.
    let found = unsafe { libc::dladdr(libc::pthread_create as *const libc::c_void, &raw mut info) };
    assert_ne!(found, 0, "the address is that of a function");
    // SAFETY: the system's loader names the file of an image that is mapped.
    let file = unsafe { CStr::from_ptr(info.dli_fname) }.to_string_lossy().into_owned();
    assert!(file.contains("libc"), "pthread_create is defined by {file}");
}
