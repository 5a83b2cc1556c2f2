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
        // The word is read anew, because keeping it would cost each access a register. The store may have written another one
        // meanwhile. Where that is a distance, the store finds the value.
        // SAFETY: the row is the calling thread's.
        None => finder::find().and_then(|row| unsafe { Row::value_at(row, Word::load(word)) }),
    }
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
        // SAFETY: `row` returns the calling thread's row, and words of rows lead into it.
        let found = |word: Word| unsafe { value(&AtomicPtr::new(word.as_ptr())) }.map(|value| value.addr().get());
        assert_eq!(found(Word::in_row(1)), Some(0x5000));
        assert_eq!(found(Word::in_row(0)), None, "an empty slot");
        assert_eq!(found(Word::in_row(2)), None, "beyond the row");
        assert_eq!(found(Word::UNRESOLVED), None);
        // The store may write a distance between the two looks at the word.
        let distance = Word::at_distance(super::super::word::tests::SMALL_DISTANCE);
        // SAFETY: the row is the calling thread's.
        let in_row = unsafe { Row::value_at(finder::find().unwrap(), distance) };
        assert_eq!(in_row, None, "a distance is no offset in the row");
        super::super::disconnect();
        assert_eq!(found(Word::in_row(1)), None, "no row without a store");
    }
}
