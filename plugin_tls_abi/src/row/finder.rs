//! How this binary finds the calling thread's row: it calls what its store named.
//!
//! Where the store's thread-locals are at a constant distance from the thread pointer, that is a function of three
//! instructions; else it is `pthread_getspecific` on Linux, which takes less than finding a thread-local of a library.
//!
//! # Orderings
//!
//! `connect` writes the key before the function (Release), and `find` reads the function before the key (Acquire): a thread
//! that sees the function sees its key. A thread that sees an old function finds no row, and asks the store.

use std::ffi::{c_uint, c_void};
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32};

use super::slot::Row;
use crate::table::FindRow;

/// [`Api::row`](crate::table::Api::row) of the store: a [`FindRow`].
static FIND: AtomicPtr<()> = AtomicPtr::new(NO_ROW as *mut ());
const NO_ROW: FindRow = no_row;
/// [`Api::row_key`](crate::table::Api::row_key) of the store.
static KEY: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn no_row(_key: c_uint) -> *mut c_void {
    ptr::null_mut()
}

/// Uses a store's way to the row from now on.
///
/// # Safety
///
/// `find` returns the calling thread's row, or null, for `key`.
pub unsafe fn connect(find: FindRow, key: c_uint) {
    KEY.store(key, Relaxed);
    FIND.store(find as *mut (), Release);
}

/// As if [`connect`] had never been called.
pub fn disconnect() {
    // The key stays: it belongs to the function that another thread may have read before.
    FIND.store(NO_ROW as *mut (), Release);
}

/// The row of the calling thread, if it has one. Out of line, so that it does not get in the way of accesses that do not need
/// it.
#[cold]
#[inline(never)]
pub(super) fn find() -> Option<NonNull<Row>> {
    // SAFETY: only `FindRow`s are stored in `FIND`: above and in `connect`.
    let find = unsafe { mem::transmute::<*mut (), FindRow>(FIND.load(Acquire)) };
    // SAFETY: the function was stored together with this key, and the caller of `connect` guarantees that it returns the
    // calling thread's row for it.
    NonNull::new(unsafe { find(KEY.load(Relaxed)) }.cast())
}
