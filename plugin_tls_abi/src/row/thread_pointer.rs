//! Memory at a distance from the thread pointer, where the platform has one and rustc's thread-locals use it: on Linux on
//! x86_64 and aarch64.

/// Reads the pointer at `distance` from the thread pointer.
///
/// # Safety
///
/// There is one on every thread, and only its own thread writes it.
#[cfg(all(target_os = "linux", target_pointer_width = "64", target_arch = "x86_64"))]
#[inline(always)]
pub unsafe fn read(distance: usize) -> *mut () {
    let pointer;
    // SAFETY: the instruction reads memory that the caller says is there, and does nothing else.
    unsafe {
        std::arch::asm!("mov {pointer}, qword ptr fs:[{distance}]", pointer = out(reg) pointer,
            distance = in(reg) distance, options(pure, readonly, nostack, preserves_flags));
    }
    pointer
}

/// Reads the pointer at `distance` from the thread pointer.
///
/// # Safety
///
/// There is one on every thread, and only its own thread writes it.
#[cfg(all(target_os = "linux", target_pointer_width = "64", target_arch = "aarch64"))]
#[inline(always)]
pub unsafe fn read(distance: usize) -> *mut () {
    let thread: *const u8;
    // SAFETY: the instruction reads a register. The memory that is read then is there, as the caller says.
    unsafe {
        std::arch::asm!("mrs {thread}, tpidr_el0", thread = out(reg) thread,
            options(pure, nomem, nostack, preserves_flags));
        *thread.wrapping_add(distance).cast()
    }
}

/// This platform has none: no store on it writes a distance.
///
/// # Safety
///
/// Nothing has to hold. The function is unsafe because those of the other platforms are.
#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub unsafe fn read(_distance: usize) -> *mut () {
    std::ptr::null_mut()
}

/// The distance from the calling thread's thread pointer to `address`; `None` on platforms without one.
pub fn distance_to(address: usize) -> Option<usize> {
    current().map(|pointer| address.wrapping_sub(pointer))
}

/// The thread pointer of the calling thread.
#[cfg(all(target_os = "linux", target_pointer_width = "64", target_arch = "x86_64"))]
fn current() -> Option<usize> {
    let pointer: usize;
    // SAFETY: the instruction reads the word at the thread pointer, which by the platform's ABI is the thread pointer.
    unsafe {
        std::arch::asm!("mov {pointer}, qword ptr fs:[0]", pointer = out(reg) pointer,
            options(pure, readonly, nostack, preserves_flags));
    }
    Some(pointer)
}

/// The thread pointer of the calling thread.
#[cfg(all(target_os = "linux", target_pointer_width = "64", target_arch = "aarch64"))]
fn current() -> Option<usize> {
    let pointer: usize;
    // SAFETY: the instruction reads a register and touches no memory.
    unsafe {
        std::arch::asm!("mrs {pointer}, tpidr_el0", pointer = out(reg) pointer,
            options(pure, nomem, nostack, preserves_flags));
    }
    Some(pointer)
}

/// The thread pointer of the calling thread.
#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn current() -> Option<usize> {
    None
}
