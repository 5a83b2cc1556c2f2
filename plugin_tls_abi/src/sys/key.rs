//! Thread-local keys of the C library.

use std::ffi::{c_uint, c_void};

use crate::table::AtExit;

/// How often the C library calls destructors of keys that leave a value behind: `PTHREAD_DESTRUCTOR_ITERATIONS`.
const ITERATIONS: usize = 4;

/// A new key without a destructor; `None` if there are no more, or on platforms without such keys.
#[cfg(unix)]
pub fn create() -> Option<c_uint> {
    let mut key = 0;
    // SAFETY: `key` is writable, and there is no destructor.
    let status = unsafe { libc::pthread_key_create(&raw mut key, None) };
    (status == 0).then_some(key as c_uint)
}

/// A new key without a destructor; `None` if there are no more, or on platforms without such keys.
#[cfg(not(unix))]
pub fn create() -> Option<c_uint> {
    None
}

/// Deletes a key. The values that threads have for it are left alone.
///
/// # Safety
///
/// The key exists, and no code uses it any more.
#[cfg(unix)]
pub unsafe fn delete(key: c_uint) {
    // SAFETY: the caller guarantees that the key exists.
    unsafe { libc::pthread_key_delete(key as libc::pthread_key_t) };
}

/// Deletes a key. The values that threads have for it are left alone.
///
/// # Safety
///
/// The key exists, and no code uses it any more.
#[cfg(not(unix))]
pub unsafe fn delete(_key: c_uint) {}

/// Sets the calling thread's value.
///
/// The C library needs memory for a thread's first value only. Where there is none, the value stays null.
///
/// # Safety
///
/// The key exists.
#[cfg(unix)]
pub unsafe fn set(key: c_uint, value: *const c_void) {
    // SAFETY: the caller guarantees that the key exists; any pointer may be its value.
    unsafe { libc::pthread_setspecific(key as libc::pthread_key_t, value) };
}

/// Sets the calling thread's value.
///
/// # Safety
///
/// The key exists.
#[cfg(not(unix))]
pub unsafe fn set(_key: c_uint, _value: *const c_void) {}

/// Calls the destructor of a key as the C library would at the end of the thread: while the thread has a value for it,
/// but not for ever.
///
/// # Safety
///
/// The key exists until this returns, and `function` is its destructor.
pub unsafe fn run_destructor(key: c_uint, function: AtExit) {
    #[cfg(unix)]
    for _ in 0..ITERATIONS {
        // SAFETY: the caller guarantees that the key exists.
        let value = unsafe { libc::pthread_getspecific(key as libc::pthread_key_t) };
        if value.is_null() {
            break;
        }
        // SAFETY: as the C library does, the thread's value is taken away before the destructor gets it. The destructor is
        // the key's, as the caller guarantees.
        unsafe {
            set(key, std::ptr::null());
            function(value);
        }
    }
    #[cfg(not(unix))]
    let _ = (key, function, ITERATIONS);
}
