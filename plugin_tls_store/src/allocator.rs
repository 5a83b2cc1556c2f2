//! The host's allocator as plugins call it, and whether another one is the same.

use std::alloc::System;
use std::cell::Cell;
use std::hint::black_box;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;

use plugin_tls_abi::allocator::{Allocator, Global};
use plugin_tls_abi::sys::{clock, malloc};

/// The functions of this binary's global allocator. The note of this image leads to it.
pub(crate) static ALLOCATOR: Allocator = Allocator::of::<Global>(Some(loading));

/// Why a plugin is refused.
pub const OTHER: &str = "the plugin has another global allocator than the host, so that a value that one side allocates could \
                         not be freed by the other: call `export_plugin!` without `allocator = own`, or make \
                         `plugin_tls::HostAllocator` the plugin's `#[global_allocator]`; and load the plugin with \
                         `Plugin::load`, which tells it whose allocator to use";

/// The functions that this binary's own memory comes from, if they are others: those of the host that a plugin forwards to,
/// before it becomes a host itself. Relaxed: they are only compared.
static FORWARDED: AtomicPtr<Allocator> = AtomicPtr::new(ptr::null_mut());

/// Sets the functions that this binary's own memory comes from.
pub(crate) fn forwarded_to(allocator: *const Allocator) {
    FORWARDED.store(allocator.cast_mut(), Relaxed);
}

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
/// If they are not the same functions, both may still pass everything on to the system's allocator, as allocators do that only
/// count: see [`is_system`]. Two allocators that do not are two copies of their state, each in the binary that links it.
pub(crate) fn differs(plugin: &Allocator) -> bool {
    static HOST_IS_SYSTEM: OnceLock<Option<bool>> = OnceLock::new();

    if ptr::eq(plugin, &ALLOCATOR) || ptr::eq(plugin, FORWARDED.load(Relaxed)) {
        return false;
    }
    match HOST_IS_SYSTEM.get_or_init(|| is_system(&ALLOCATOR)) {
        Some(true) => is_system(plugin) == Some(false),
        Some(false) => true,
        None => false,
    }
}

/// Whether `allocator` passes what it is asked for on to the system's allocator, unchanged.
///
/// The C library maps each large block by itself, and tells how many bytes it has mapped in this way. A block that comes from
/// elsewhere does not change that number. One that has something before or behind it has another place in its page, or needs
/// one page more. `None` where the C library does not tell, or does not behave in this way, as under a sanitizer.
fn is_system(allocator: &Allocator) -> Option<bool> {
    static SYSTEM: Allocator = Allocator::of::<System>(None);

    /// glibc maps each block of at least 32 MiB by itself. Nothing touches the pages of the block.
    const SIZE: usize = 40 << 20;
    /// Pages are not larger.
    const PAGE: usize = 64 << 10;
    /// What glibc needs for itself. One byte more takes another page.
    const OVERHEAD: usize = 24;

    let (mut known, mut equal) = (0, 0);
    // Other threads may map and unmap large blocks at the same time.
    for attempt in 0..8 {
        let size = SIZE + attempt * PAGE - OVERHEAD;
        let (system, other) = (trace(&SYSTEM, size)?, trace(allocator, size)?);
        if (size..size + 2 * PAGE).contains(&system.mapped) {
            known += 1;
            equal += usize::from(system == other);
        }
        // One could be a coincidence.
        if equal == 2 {
            return Some(true);
        }
    }
    (known >= 2).then_some(false)
}

/// What a large block leaves in the system's allocator.
#[derive(PartialEq)]
struct Trace {
    /// How many bytes more are mapped for large blocks.
    mapped: usize,
    /// The block's place in its page.
    place: usize,
}

/// Allocates a block of `size` bytes and frees it.
fn trace(allocator: &Allocator, size: usize) -> Option<Trace> {
    const ALIGN: usize = 16;

    let before = malloc::mapped_bytes()?;
    // SAFETY: the layout is valid, and its size is not zero.
    let memory = black_box(unsafe { (allocator.alloc)(size, ALIGN) });
    let after = malloc::mapped_bytes()?;
    if memory.is_null() {
        return None;
    }
    // SAFETY: the function of the same allocator has returned the memory for this layout.
    unsafe { (allocator.dealloc)(memory, size, ALIGN) };
    Some(Trace { mapped: after.wrapping_sub(before), place: memory.addr() % 4096 })
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout};

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

    /// The system's allocator, with `BEFORE` bytes before each block and `BEHIND` bytes behind it.
    #[derive(Default)]
    struct Padded<const BEFORE: usize, const BEHIND: usize>;

    // SAFETY: a block is part of one of the system's. What stands before it keeps the alignment that this test asks for.
    unsafe impl<const BEFORE: usize, const BEHIND: usize> GlobalAlloc for Padded<BEFORE, BEHIND> {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let whole = Layout::from_size_align(layout.size() + BEFORE + BEHIND, layout.align()).expect("it fits");
            // SAFETY: the layout has bytes, and the block starts within the memory.
            unsafe { System.alloc(whole).add(BEFORE) }
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            let whole = Layout::from_size_align(layout.size() + BEFORE + BEHIND, layout.align()).expect("it fits");
            // SAFETY: `alloc` got the memory from the system for this layout.
            unsafe { System.dealloc(memory.sub(BEFORE), whole) }
        }
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn memory_from_elsewhere_is_told_from_that_of_the_system() {
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
        assert!(differs(&Allocator::of::<Padded<16, 0>>(None)), "another place");
        assert!(differs(&Allocator::of::<Padded<0, 1>>(None)), "another size");
        assert!(!differs(&Allocator::of::<Padded<0, 0>>(None)));
        assert!(!differs(&other_system));
        assert!(!differs(&ALLOCATOR));
    }
}
