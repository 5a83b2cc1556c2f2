//! Copying memory that other threads may be writing.

/// Copies memory into `words`. False if the system does not do that, or if there is no such memory.
#[cfg(target_os = "linux")]
pub fn copy_words(from: *const u8, words: &mut [usize]) -> bool {
    let bytes = size_of_val(words);
    let local = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: bytes };
    let remote = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: bytes };
    // SAFETY: the system writes `words`, which has that many bytes. It reads from any address: the system itself reads, so
    // that a write of another thread is no data race, and an address without memory is an error and no fault.
    let copied = unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(copied) == Ok(bytes)
}

/// Copies memory into `words`. False if the system does not do that, or if there is no such memory.
#[cfg(not(target_os = "linux"))]
pub fn copy_words(_from: *const u8, _words: &mut [usize]) -> bool {
    false
}
