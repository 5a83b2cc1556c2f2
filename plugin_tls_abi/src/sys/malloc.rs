//! What the C library's allocator knows of itself.

/// The bytes of all blocks that the C library's `malloc` has mapped one by one, as it does with large blocks. `None` if the C
/// library does not tell.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn mapped_bytes() -> Option<usize> {
    /// `struct mallinfo2`.
    #[repr(C)]
    struct Information {
        before: [usize; 4],
        mapped_bytes: usize,
        after: [usize; 5],
    }

    // SAFETY: the name is a C string.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"mallinfo2".as_ptr()) };
    if function.is_null() {
        // A version of glibc before 2.33.
        return None;
    }
    // SAFETY: the function of that name has this type in every version of glibc that has it, and in the libraries that take
    // the place of glibc's `malloc`.
    let mallinfo2 = unsafe { std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> Information>(function) };
    Some(mallinfo2().mapped_bytes)
}

/// The bytes of all blocks that the C library's `malloc` has mapped one by one, as it does with large blocks. `None` if the C
/// library does not tell.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn mapped_bytes() -> Option<usize> {
    None
}
