//! Thread-locals by their distance from the thread pointer, where the platform has one and rustc uses it.

/// Reads the pointer at `distance` from the thread pointer.
///
/// # Safety
///
/// There is one, on every thread, and no other thread writes it.
#[cfg(all(thread_pointer, target_arch = "x86_64"))]
#[inline(always)]
pub(super) unsafe fn read(distance: usize) -> *mut () {
    let pointer;
    // SAFETY: the caller's word; the instruction reads memory and does nothing else.
    unsafe {
        std::arch::asm!("mov {pointer}, qword ptr fs:[{distance}]", pointer = out(reg) pointer,
            distance = in(reg) distance, options(pure, readonly, nostack, preserves_flags));
    }
    pointer
}

/// See above.
///
/// # Safety
///
/// See above.
#[cfg(all(thread_pointer, target_arch = "aarch64"))]
#[inline(always)]
pub(super) unsafe fn read(distance: usize) -> *mut () {
    let thread: *const u8;
    // SAFETY: reading the thread pointer touches nothing; the load is covered by the caller's word.
    unsafe {
        std::arch::asm!("mrs {thread}, tpidr_el0", thread = out(reg) thread,
            options(pure, nomem, nostack, preserves_flags));
        *thread.wrapping_add(distance).cast()
    }
}

/// No such platform: no store on it states a distance.
///
/// # Safety
///
/// Nothing to keep.
#[cfg(not(thread_pointer))]
pub(super) unsafe fn read(_distance: usize) -> *mut () {
    std::ptr::null_mut()
}

/// From the thread pointer to `address`.
#[cfg(all(store, thread_pointer))]
pub(super) fn distance_to(address: usize) -> usize {
    let pointer: usize;
    // SAFETY: the ABI has the thread pointer itself at its own address.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("mov {pointer}, qword ptr fs:[0]", pointer = out(reg) pointer,
            options(pure, readonly, nostack, preserves_flags));
    }
    // SAFETY: reading the thread pointer touches nothing.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("mrs {pointer}, tpidr_el0", pointer = out(reg) pointer,
            options(pure, nomem, nostack, preserves_flags));
    }
    address.wrapping_sub(pointer)
}
