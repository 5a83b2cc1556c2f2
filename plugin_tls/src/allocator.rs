//! [`HostAllocator`]: a plugin's allocator, which is that of its host.
//!
//! What a plugin allocates can move into its host, which frees it, and the other way round. So the plugin finds the allocator
//! of its host before it allocates anything, in a constructor perhaps, when no host has connected it. It decides once: memory
//! has to go back to where it came from.
//!
//! | what the process has | whose allocator is used |
//! |---|---|
//! | hosts whose loader is busy on the calling thread | that of the host whose load began last |
//! | an executable with a store | that of the executable |
//! | other images with a store that were loaded before this one | that of the first, which then stays mapped |
//! | none of these, or the caller is the executable | the system's |
//!
//! A binary never forwards to one that was loaded after it, except where that one loads it, and then has decided before. So no
//! chain of binaries that forward to each other has an end at its start.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

use plugin_tls_abi::allocator::Allocator;
use plugin_tls_abi::sys::image;
use plugin_tls_abi::sys::note;
use plugin_tls_core::__private::{choose_allocator, chosen_allocator};

/// The allocator of a plugin's host.
///
/// [`export_plugin!`](crate::export_plugin) makes it the global allocator of a crate that is a cdylib and nothing else. A crate
/// that is also another kind of library does not get a global allocator from the macro, because it would be that of every
/// program that links the crate. A cdylib that is built from such a crate can name it:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: plugin_tls::HostAllocator = plugin_tls::HostAllocator;
///
/// assert_eq!(vec![1, 2].len(), 2);
/// ```
///
/// It finds the host at its first use: the host that loads the plugin on this thread, else the executable, else the first
/// library with a store of its own that the system has loaded before the plugin. It is the system's allocator in an
/// executable, in a library without such a host, and on systems other than Linux (x86_64, aarch64). Once found, the host stays
/// the same. A library that is found without being the one that loads the plugin is never unmapped again.
#[derive(Clone, Copy, Default, Debug)]
pub struct HostAllocator;

/// The functions to use where there is no host.
static SYSTEM: Allocator = Allocator::of::<System>(None);
/// Functions that choose first.
static UNDECIDED: Allocator = Allocator::of::<Undecided>(None);

/// The functions to call. A call through a pointer is shorter than a test whether they have been chosen.
///
/// It is read with Acquire, as the pointer that it is copied from: who sees the pointer also sees what it points to.
static FUNCTIONS: AtomicPtr<Allocator> = AtomicPtr::new((&raw const UNDECIDED).cast_mut());

#[inline]
fn functions() -> &'static Allocator {
    // SAFETY: the pointer was made from a static reference.
    unsafe { &*FUNCTIONS.load(Acquire) }
}

#[cold]
fn choose() -> &'static Allocator {
    let chosen = chosen_allocator().unwrap_or_else(|| choose_allocator(find().unwrap_or(&SYSTEM)));
    FUNCTIONS.store(ptr::from_ref(chosen).cast_mut(), Release);
    chosen
}

/// The functions of the host. Allocates nothing.
fn find() -> Option<&'static Allocator> {
    let here = (&raw const SYSTEM).cast();
    let all = || note::others(here);
    let loading = |host: &note::Noted| host.allocator.loading.map_or(0, |loading| loading());
    if let Some(host) = all().max_by_key(loading).filter(|host| loading(host) > 0) {
        return Some(host.allocator);
    }
    if let Some(host) = all().find(|host| host.is_executable) {
        return Some(host.allocator);
    }
    let host = all().find(|host| host.is_earlier)?;
    // It has not loaded this image, so that nothing says that it stays as long as this one.
    image::keep(ptr::from_ref(host.allocator).cast()).then_some(host.allocator)
}

// Only `alloc` is inlined. With link-time optimization the others would be copied to every place that drops or grows a value,
// which makes a plugin 8 KB larger and no faster.
//
// SAFETY:
// - The functions are those of a global allocator, or of the system's, which keep the contract of `GlobalAlloc`. They get the
//   layouts unchanged, and stay the same, so that memory goes back to where it came from.
// - The functions do not unwind: they are `extern "C"`. Finding them calls only the system and functions that do not panic.
unsafe impl GlobalAlloc for HostAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (functions().alloc)(layout.size(), layout.align()) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (functions().dealloc)(memory, layout.size(), layout.align()) }
    }

    #[inline(never)]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (functions().realloc)(memory, layout.size(), layout.align(), new_size) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (functions().alloc_zeroed)(layout.size(), layout.align()) }
    }
}

/// Chooses the functions, and calls them.
#[derive(Clone, Copy, Default, Debug)]
struct Undecided;

// SAFETY: as for `HostAllocator`.
unsafe impl GlobalAlloc for Undecided {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (choose().alloc)(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (choose().dealloc)(memory, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (choose().realloc)(memory, layout.size(), layout.align(), new_size) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is valid, and the caller guarantees what the method of `GlobalAlloc` asks.
        unsafe { (choose().alloc_zeroed)(layout.size(), layout.align()) }
    }
}
