//! The read itself.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::AtomicPtr;

use super::word::Word;
use super::{finder, thread_pointer};

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

/// The calling thread's value of the item whose word this is, if it is there.
///
/// # Safety
///
/// The word is that of an item's copy in this binary.
#[inline]
pub unsafe fn value(word: &AtomicPtr<()>) -> Option<NonNull<()>> {
    match Word::load(word).distance() {
        // SAFETY: the store that this binary uses has written the word, and it writes distances of slots only: a slot is
        // there on every thread, and only its own thread writes it.
        Some(distance) => NonNull::new(unsafe { thread_pointer::read(distance) }),
        None => value_in_row(word),
    }
}

/// As [`value`], where the word was one of a row. Out of line, or it would cost each access a register.
#[cold]
#[inline(never)]
fn value_in_row(word: &AtomicPtr<()>) -> Option<NonNull<()>> {
    let row = finder::find()?;
    // The store may have written another word meanwhile. Where that is a distance, the store finds the value.
    let offset = Word::load(word).row_offset()?;
    // SAFETY: the row is the calling thread's.
    unsafe { Row::value_at(row, offset) }
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

#[cfg(test)]
mod tests {
    use std::ffi::{c_uint, c_void};
    use std::ptr;

    use super::*;

    #[repr(C)]
    struct TwoSlots {
        row: Row,
        slots: [Slot; 2],
    }

    std::thread_local!(static ROW: TwoSlots = const {
        let slot = Cell::new(ptr::without_provenance(0x5000));
        TwoSlots { row: Row { size: 2 * size_of::<Slot>(), slots: [] }, slots: [Cell::new(ptr::null()), slot] }
    });

    unsafe extern "C" fn row(_key: c_uint) -> *mut c_void {
        ROW.with(|row| ptr::from_ref(row).cast_mut().cast())
    }

    #[test]
    fn only_words_of_a_row_lead_into_it() {
        // SAFETY: `row` returns the calling thread's row.
        unsafe { super::super::connect(row, 0) };
        let found = |word: Word| value_in_row(&AtomicPtr::new(word.as_ptr())).map(|value| value.addr().get());
        assert_eq!(found(Word::in_row(1)), Some(0x5000));
        assert_eq!(found(Word::in_row(0)), None, "an empty slot");
        assert_eq!(found(Word::in_row(2)), None, "beyond the row");
        assert_eq!(found(Word::UNRESOLVED), None);
        // A distance that is less than the row's size, as on platforms whose distances are positive.
        assert_eq!(found(Word::at_distance(8)), None, "the word became a distance after the first look");
        super::super::disconnect();
        assert_eq!(found(Word::in_row(1)), None, "no row without a store");
    }
}
