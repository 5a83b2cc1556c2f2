//! The system's monotonic clock.

/// The nanoseconds of the system's monotonic clock, which is one for all binaries of the process. Not zero.
#[cfg(unix)]
pub fn now() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable, and every system has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64).max(1)
}

/// 1, where the system's clock is not used.
#[cfg(not(unix))]
pub fn now() -> u64 {
    1
}
