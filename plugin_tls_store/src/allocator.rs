//! The host's allocator as plugins call it, and whether another one is the same.

use std::alloc::System;
use std::cell::Cell;
use std::hint::black_box;
use std::ptr;
use std::sync::OnceLock;

use plugin_tls_abi::allocator::{Allocator, Global};
use plugin_tls_abi::sys::{clock, malloc};

/// The functions of this binary's global allocator. The note of this image leads to it.
pub(crate) static ALLOCATOR: Allocator = Allocator::of::<Global>(Some(loading));

/// Why a plugin is refused.
pub const OTHER: &str = "the plugin has another global allocator than the host, so that a value that one side allocates could \
                         not be freed by the other: leave `allocator = own` out of the plugin's `export_plugin!`, or make \
                         `plugin_tls::HostAllocator` its `#[global_allocator]`";

thread_local! {
    /// See [`Allocator::loading`]. It needs neither an allocation nor a destructor, because it is read before a plugin has an
    /// allocator.
    static LOADING: Cell<u64> = const { Cell::new(0) };
}

/// See [`Allocator::loading`].
extern "C" fn loading() -> u64 {
    LOADING.get()
}

/// Calls `load`. Plugins that it loads on this thread take the allocator of this binary.
pub fn while_loading<R>(load: impl FnOnce() -> R) -> R {
    struct Before(u64);

    impl Drop for Before {
        fn drop(&mut self) {
            LOADING.set(self.0);
        }
    }

    let _before = Before(LOADING.replace(clock::now()));
    load()
}

/// Whether memory of `plugin` is known not to be memory of this binary's allocator.
///
/// If they are not the same functions, both may still end in the allocator of the C library, as a counting allocator does.
/// The C library tells how much memory it has mapped for large blocks, which shows where such a block comes from. Nothing is
/// known where it does not tell, or where its allocator does not behave in this way itself, such as under a sanitizer.
pub(crate) fn differs(plugin: &Allocator) -> bool {
    static SYSTEM: Allocator = Allocator::of::<System>(None);
    static HOST_IS_SYSTEM: OnceLock<Option<bool>> = OnceLock::new();

    if ptr::eq(plugin, &ALLOCATOR) {
        return false;
    }
    let host_is_system = || match is_system(&SYSTEM) {
        Some(true) => is_system(&ALLOCATOR),
        _ => None,
    };
    match HOST_IS_SYSTEM.get_or_init(host_is_system) {
        Some(true) => is_system(plugin) == Some(false),
        // Two other allocators are two copies of their state, each in the binary that links it.
        Some(false) => true,
        None => false,
    }
}

/// Whether blocks of `allocator` come from the C library. `None` if that cannot be known.
fn is_system(allocator: &Allocator) -> Option<bool> {
    /// The C library maps each block of at least 32 MiB by itself. The pages of the block are never touched.
    const SIZE: usize = 40 << 20;
    const ALIGN: usize = 16;
    /// The C library adds a header and rounds up to whole pages.
    const MORE: usize = 128 << 10;

    let mut hits = 0;
    // Other threads may map and unmap large blocks at the same time.
    for attempt in 0..8 {
        let size = SIZE + (attempt << 18);
        let before = malloc::mapped_bytes()?;
        // SAFETY: the layout is valid, and its size is not zero.
        let memory = black_box(unsafe { (allocator.alloc)(size, ALIGN) });
        let more = malloc::mapped_bytes()?.wrapping_sub(before);
        if memory.is_null() {
            return None;
        }
        // SAFETY: the function of the same allocator has returned the memory for this layout.
        unsafe { (allocator.dealloc)(memory, size, ALIGN) };
        hits += usize::from((size..size + MORE).contains(&more));
        // One could be another thread's block.
        if hits == 2 {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_load_counts() {
        assert_eq!(loading(), 0);
        while_loading(|| {
            let outer = loading();
            assert!(outer > 0);
            while_loading(|| assert!(loading() > outer));
            assert_eq!(loading(), outer);
            assert_eq!(std::thread::spawn(|| loading()).join().expect("the thread does not panic"), 0);
        });
        assert_eq!(loading(), 0);
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn memory_from_elsewhere_is_told_from_that_of_the_system() {
        use std::alloc::{GlobalAlloc, Layout};

        #[derive(Default)]
        struct Pages;

        // SAFETY: each block has pages of its own, which are as aligned as any block that this test asks for.
        unsafe impl GlobalAlloc for Pages {
            unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
                let (rights, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
                // SAFETY: without an address and a file, the call makes new memory.
                unsafe { libc::mmap(ptr::null_mut(), layout.size(), rights, flags, -1, 0) }.cast()
            }

            unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
                // SAFETY: `alloc` has made a mapping of this size there, and the caller guarantees that nothing uses it.
                unsafe { libc::munmap(memory.cast(), layout.size()) };
            }
        }

        let pages = Allocator::of::<Pages>(None);
        let other_system = Allocator::of::<System>(None);
        assert!(differs(&pages));
        assert!(!differs(&other_system));
        assert!(!differs(&ALLOCATOR));
    }
}
