//! Words are made and taken apart here.

#![forbid(unsafe_code)]

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;

/// Whether thread-locals of the executable lie before the thread pointer, as on x86_64. On aarch64 they lie behind it.
const DISTANCES_ARE_NEGATIVE: bool = cfg!(target_arch = "x86_64");

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
    /// If the distance is odd, since slots are aligned, or if it is positive where distances are negative.
    pub const fn at_distance(distance: usize) -> Self {
        assert!(distance % 2 == 0, "slots are aligned");
        assert!(
            !DISTANCES_ARE_NEGATIVE || distance > isize::MAX as usize,
            "thread-locals lie before the thread pointer"
        );
        Word(distance)
    }

    /// A slot of the row.
    pub const fn in_row(slot: usize) -> Self {
        Word(slot * size_of::<*const ()>() + 1)
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

    /// The slot's offset from the first slot of a row whose slots have `size` bytes, if the word is one of a row and the slot
    /// lies within it.
    ///
    /// An unresolved word lies beyond every row. A negative distance does, too, so that the comparison alone rejects it.
    #[inline]
    pub const fn offset_within(self, size: usize) -> Option<usize> {
        let is_of_row = DISTANCES_ARE_NEGATIVE || self.0 % 2 == 1;
        if self.0 < size && is_of_row { Some(self.0 - 1) } else { None }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A distance that a bounds check alone would not reject, where there are such distances.
    pub(crate) const SMALL_DISTANCE: usize = if DISTANCES_ARE_NEGATIVE { 8_usize.wrapping_neg() } else { 8 };

    #[test]
    fn a_word_is_either_a_distance_or_an_offset() {
        let distance = Word::at_distance(SMALL_DISTANCE);
        assert_eq!((distance.distance(), distance.offset_within(1 << 20)), (Some(SMALL_DISTANCE), None));
        let (slot, bytes) = (Word::in_row(3), size_of::<usize>());
        assert_eq!((slot.distance(), slot.offset_within(4 * bytes)), (None, Some(3 * bytes)));
        assert_eq!(slot.offset_within(3 * bytes), None, "the row is too short");
        let unresolved = Word::UNRESOLVED;
        assert_eq!((unresolved.distance(), unresolved.offset_within(isize::MAX as usize)), (None, None));
    }
}
