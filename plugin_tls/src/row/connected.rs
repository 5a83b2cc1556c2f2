//! How a binary that may be connected to another one's store finds the row.

use std::ffi::{c_uint, c_void};
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use super::Row;
use crate::abi::FindRow;

/// [`Api::row`](crate::abi::Api::row) of the store: a [`FindRow`].
static FIND: AtomicPtr<()> = AtomicPtr::new(NO_ROW as *mut ());
const NO_ROW: FindRow = no_row;
/// [`Api::row_key`](crate::abi::Api::row_key) of the store.
static KEY: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn no_row(_key: c_uint) -> *mut c_void {
    ptr::null_mut()
}

/// # Safety
///
/// `find` returns the calling thread's row or null for `key`.
pub(crate) unsafe fn connect(find: FindRow, key: c_uint) {
    // Whoever finds a word before these finds no row, and so comes to the slow path. Release: a key is read after the
    // function that it is for.
    KEY.store(key, Relaxed);
    FIND.store(find as *mut (), Release);
}

/// As if [`connect`] had never been called.
pub(crate) fn disconnect() {
    // The key stays: it belongs to the function that somebody may have read before.
    FIND.store(NO_ROW as *mut (), Release);
}

/// The row of the calling thread. A jump into what the store named.
#[cold]
#[inline(never)]
pub(super) fn find() -> Option<NonNull<Row>> {
    // Acquire: pairs with the Release in `connect`, so that the key is the function's.
    // SAFETY: it is a `FindRow`, here and in `connect`, which was told that it is the right one for the key.
    let find = unsafe { mem::transmute::<*mut (), FindRow>(FIND.load(Acquire)) };
    // SAFETY: as above.
    NonNull::new(unsafe { find(KEY.load(Relaxed)) }.cast())
}
