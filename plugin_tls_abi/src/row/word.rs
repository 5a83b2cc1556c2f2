//! Words are made and taken apart here.

#![forbid(unsafe_code)]

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;

use super::slot::Slot;

/// Where the slot of an item is: see [`crate::row`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word(usize);

impl Word {
    /// The word of a copy whose slot is not known.
    pub const UNRESOLVED: Self = Word(usize::MAX);

    /// A slot at a distance from the thread pointer.
    ///
    /// # Panics
    ///
    /// If the distance is odd: slots are aligned.
    pub const fn at_distance(distance: usize) -> Self {
        assert!(distance % 2 == 0, "slots are aligned");
        Word(distance)
    }

    /// A slot of the row.
    pub const fn in_row(slot: usize) -> Self {
        Word(slot * size_of::<Slot>() + 1)
    }

    /// What the atomic word of an item's copy says now.
    #[inline]
    pub fn load(word: &AtomicPtr<()>) -> Self {
        // Relaxed: the word is a number. It leads to a slot that this thread alone writes, so there is nothing that has to
        // be visible with it.
        Word(word.load(Relaxed).addr())
    }

    /// The word as it stands in an item's copy.
    pub const fn as_ptr(self) -> *mut () {
        ptr::without_provenance_mut(self.0)
    }

    /// The slot's distance from the thread pointer, if the word is one.
    #[inline]
    pub const fn distance(self) -> Option<usize> {
        if self.0 % 2 == 0 { Some(self.0) } else { None }
    }

    /// The slot's offset from the row's first slot, in bytes, if the word is one of a row. Of an unresolved word it is
    /// larger than any row.
    #[inline]
    pub const fn row_offset(self) -> Option<usize> {
        if self.0 % 2 == 1 { Some(self.0 - 1) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_either_a_distance_or_an_offset() {
        let distance = Word::at_distance(0_usize.wrapping_sub(64));
        assert_eq!((distance.distance(), distance.row_offset()), (Some(0_usize.wrapping_sub(64)), None));
        let slot = Word::in_row(3);
        assert_eq!((slot.distance(), slot.row_offset()), (None, Some(3 * size_of::<usize>())));
        assert_eq!((Word::UNRESOLVED.distance(), Word::UNRESOLVED.row_offset()), (None, Some(usize::MAX - 1)));
    }
}
