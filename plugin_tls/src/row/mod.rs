//! The hot path: from an item's word to the calling thread's value.
//!
//! Each thread has a slot for each thread-local item that any thread has used, in the host's memory. The first slots are thread-locals themselves;
//! the others are in the thread's row, `{ size, slots }`. What the word of an item's copy says:
//!
//! | word | the item's slot |
//! |---|---|
//! | even | is at this distance from the thread pointer |
//! | odd: `8 * index + 1` | is slot `index` of the row |
//! | `usize::MAX` | is beyond every row: no thread has used the item yet, or the copy is not registered |
//!
//! Distances are known where the host is the executable on Linux (x86_64, aarch64); elsewhere all slots are in the row. How
//! a binary finds the row:
//!
//! | binary | way |
//! |---|---|
//! | the host, built without the feature `plugin` | a `std::thread_local!` |
//! | any other | it calls the host, or, on Linux where no distances are known, `pthread_getspecific`: that takes less than finding a thread-local of a library |
//!
//! A slot that is null, or beyond the row, leads to the store: the value is not there, the thread is fresh, or its row too
//! short. Only its own thread reads or writes a slot.

#[cfg(feature = "plugin")]
mod connected;
#[cfg(store)]
pub(crate) mod own;
#[cfg(store)]
mod slots;
mod thread_pointer;

use std::cell::Cell;
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

#[cfg(feature = "plugin")]
pub(crate) use connected::{connect, disconnect};
#[cfg(store)]
pub(crate) use slots::Slots;

/// The word of a copy that is not resolved.
pub(crate) const UNRESOLVED: usize = usize::MAX;

/// A thread's row: its slots follow in memory.
#[repr(C)]
pub(crate) struct Row {
    /// Bytes of the slots.
    size: usize,
    slots: [Cell<*const ()>; 0],
}

const _: () = assert!(offset_of!(Row, size) == 0 && offset_of!(Row, slots) == size_of::<usize>());

/// The calling thread's value of the item whose word this is, if it is there.
///
/// # Safety
///
/// The word is that of an item's copy in this binary.
#[inline]
pub(crate) unsafe fn value(word: &AtomicPtr<()>) -> Option<NonNull<()>> {
    // Relaxed: a number, which leads to nothing but a slot that this thread alone writes. It is read anew where it is needed
    // again: keeping it would cost each access a register.
    let load = || word.load(Relaxed).addr();
    let distance = load();
    if distance & 1 == 0 {
        // SAFETY: only the store that this binary uses makes words, and this is where it says that the slot is.
        return NonNull::new(unsafe { thread_pointer::read(distance) });
    }
    // SAFETY: it is the calling thread's row.
    find().and_then(|row| unsafe { Row::value(row, load()) })
}

impl Row {
    /// What the slot of an odd word holds, if there is one.
    ///
    /// # Safety
    ///
    /// `row` is the row of the calling thread.
    #[inline]
    unsafe fn value(row: NonNull<Row>, word: usize) -> Option<NonNull<()>> {
        let row = row.as_ptr();
        // SAFETY:
        // - the row of a running thread is alive: its thread alone replaces it, in calls that this function does not make;
        // - the slot is within the row's size, which `RowBox` allocated.
        unsafe {
            if word < (*row).size {
                let slot = (&raw const (*row).slots).byte_add(word - 1).cast::<Cell<*const ()>>();
                NonNull::new((*slot).get().cast_mut())
            } else {
                None
            }
        }
    }
}

#[cfg(feature = "plugin")]
use connected::find;
#[cfg(not(feature = "plugin"))]
use own::row as find;
