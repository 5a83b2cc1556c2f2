//! Slots, and the row that has those which are not thread-locals themselves.

use std::cell::Cell;
use std::ptr::NonNull;

/// The address of a value, or null.
pub type Slot = Cell<*const ()>;

/// A thread's row: its slots follow in memory.
#[repr(C)]
#[derive(Debug)]
pub struct Row {
    /// Bytes of the slots.
    pub size: usize,
    pub slots: [Slot; 0],
}

impl Row {
    /// What the slot at `offset` holds, if the row is that long and the slot is not empty.
    ///
    /// # Safety
    ///
    /// `row` is the row of the calling thread, and `offset` comes from a word.
    pub unsafe fn value_at(row: NonNull<Row>, offset: usize) -> Option<NonNull<()>> {
        let row = row.as_ptr();
        // SAFETY:
        // - The row of a running thread is alive: its thread alone replaces it, in calls that this function does not make.
        // - The offset is a multiple of a slot's size, and it is less than the size of the slots, so the slot lies
        //   within the row's allocation.
        unsafe {
            if offset < (*row).size {
                let slot = (&raw const (*row).slots).byte_add(offset).cast::<Slot>();
                NonNull::new((*slot).get().cast_mut())
            } else {
                None
            }
        }
    }
}
