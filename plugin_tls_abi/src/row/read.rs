//! The read itself.

use std::ptr::NonNull;
use std::sync::atomic::AtomicPtr;

use super::slot::Row;
use super::word::Word;
use super::{finder, thread_pointer};

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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ffi::{c_uint, c_void};
    use std::ptr;

    use super::super::slot::Slot;
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
