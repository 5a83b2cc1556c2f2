//! Slots, and the row that has those which are not thread-locals themselves.

use std::cell::Cell;
use std::ptr::NonNull;

use super::word::Word;

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
    /// What the slot of `word` holds, if the word is one of a row, the row is that long, and the slot is not empty.
    ///
    /// # Safety
    ///
    /// `row` is the row of the calling thread.
    #[inline]
    pub unsafe fn value_at(row: NonNull<Row>, word: Word) -> Option<NonNull<()>> {
        let row = row.as_ptr();
        // SAFETY: the row of a running thread is alive: its thread alone replaces it, in calls that this function does not
        // make.
        let offset = word.offset_within(unsafe { (*row).size })?;
        // SAFETY: the slot lies within the row's slots, since its offset is a multiple of a slot's size and less than theirs.
        let slot = unsafe { &*(&raw const (*row).slots).byte_add(offset).cast::<Slot>() };
        NonNull::new(slot.get().cast_mut())
    }
}
