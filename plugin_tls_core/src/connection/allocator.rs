//! Which allocator this binary's memory comes from.
//!
//! `HostAllocator` of the facade chooses functions before it allocates for the first time. Where it is not the global allocator
//! of this binary, nothing is chosen.

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use plugin_tls_abi::allocator::{Allocator, Global};

/// What `HostAllocator` has chosen; null if it has not been called.
///
/// It is written once, and read with Acquire: who sees the pointer also sees what it points to, even if the image that has it
/// was loaded after this one.
static CHOSEN: AtomicPtr<Allocator> = AtomicPtr::new(ptr::null_mut());

/// The global allocator of this binary, whatever it is.
static OWN: Allocator = Allocator::of::<Global>(None);

/// The functions that `HostAllocator` has chosen.
#[inline]
#[must_use]
pub fn chosen_allocator() -> Option<&'static Allocator> {
    // SAFETY: the pointer is null, or was made from a static reference.
    unsafe { CHOSEN.load(Acquire).as_ref() }
}

/// Chooses the functions, unless another thread was faster. Returns the ones that count.
pub fn choose_allocator(allocator: &'static Allocator) -> &'static Allocator {
    let new = ptr::from_ref(allocator).cast_mut();
    // AcqRel, and Acquire if another thread was faster: see `CHOSEN`.
    match CHOSEN.compare_exchange(ptr::null_mut(), new, AcqRel, Acquire) {
        Ok(_) => allocator,
        // SAFETY: the pointer is not null, and was made from a static reference.
        Err(chosen) => unsafe { &*chosen },
    }
}

/// The functions that the memory of this binary comes from.
pub(super) fn in_use() -> &'static Allocator {
    chosen_allocator().unwrap_or(&OWN)
}
