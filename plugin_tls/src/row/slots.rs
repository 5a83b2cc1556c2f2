//! A thread's slots, as the store writes them.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use super::Row;
use super::own::{self, Place};

/// The row of a thread that has none of its own.
pub(super) static EMPTY: Row = Row { size: 0, slots: [] };

// SAFETY: a `Row` behind a shared static is `EMPTY`: it has no slots that could be written.
unsafe impl Sync for Row {}

impl Row {
    pub(super) const fn address(&'static self) -> NonNull<Row> {
        // SAFETY: the address of a static is not null.
        unsafe { NonNull::new_unchecked((&raw const *self).cast_mut()) }
    }
}

/// The slots of one thread, which alone calls the functions below.
pub(crate) struct Slots {
    row: RowBox,
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Slots { row: RowBox::empty() }
    }

    /// Stores `value` in the slot of the item with this index, for every binary to see.
    pub(crate) fn set(&mut self, index: usize, value: *const ()) {
        match own::place(index) {
            Place::Direct(slot) => own::set_direct(slot, value),
            Place::Row(slot) => {
                if slot >= self.row.length() {
                    self.row.grow(slot);
                    own::set_row(self.row.0);
                }
                self.row.slot(slot).set(value);
            }
        }
    }

    /// Empties the slot of the item with this index, which has been set.
    pub(crate) fn clear(&mut self, index: usize) {
        match own::place(index) {
            Place::Direct(slot) => own::set_direct(slot, ptr::null()),
            Place::Row(slot) => self.row.slot(slot).set(ptr::null()),
        }
    }

    /// Frees the row of a thread that has no values any more.
    pub(crate) fn end(&mut self) {
        own::set_row(EMPTY.address());
        self.row = RowBox::empty();
    }
}

/// A thread's own row, which grows. The empty row is shared and not allocated.
struct RowBox(NonNull<Row>);

// SAFETY: a box owns its row. Its thread alone reads and writes the slots; other threads may hold the box.
unsafe impl Send for RowBox {}

impl RowBox {
    const fn empty() -> Self {
        RowBox(EMPTY.address())
    }

    fn length(&self) -> usize {
        // SAFETY: the row is alive for as long as its box, and nobody holds a unique reference to it.
        unsafe { (*self.0.as_ptr()).size / size_of::<Cell<*const ()>>() }
    }

    fn slot(&self, slot: usize) -> &Cell<*const ()> {
        assert!(slot < self.length());
        // SAFETY:
        // - the slot is within the row's length, checked above;
        // - `self` is borrowed for as long as the cell, and rows are freed by `&mut self` and drop only.
        unsafe { &*(&raw const (*self.0.as_ptr()).slots).cast::<Cell<*const ()>>().add(slot) }
    }

    /// To a power of two above `slot`: at most two slots, sixteen bytes, for each one up to it. The row moves: whoever holds
    /// its address must ask for it again.
    #[cold]
    fn grow(&mut self, slot: usize) {
        let length = (slot + 1).next_power_of_two().max(4);
        let layout = Self::layout(length);
        // SAFETY: the layout is not empty: it has the row's size at least.
        let raw = unsafe { alloc_zeroed(layout) }.cast::<Row>();
        let Some(grown) = NonNull::new(raw) else { handle_alloc_error(layout) };
        // SAFETY:
        // - `grown` is fresh and large enough for its length and `length` slots; zeroed slots are null pointers;
        // - the old row has `self.length()` slots, fewer than `length`, and the two do not overlap.
        unsafe {
            (*grown.as_ptr()).size = length * size_of::<Cell<*const ()>>();
            let old = (&raw const (*self.0.as_ptr()).slots).cast::<*const ()>();
            let new = (&raw mut (*grown.as_ptr()).slots).cast::<*const ()>();
            ptr::copy_nonoverlapping(old, new, self.length());
        }
        *self = RowBox(grown);
    }

    fn layout(length: usize) -> Layout {
        Layout::new::<Row>()
            .extend(Layout::array::<*const ()>(length).expect("a row fits into memory"))
            .expect("a row fits into memory")
            .0
    }
}

impl Drop for RowBox {
    fn drop(&mut self) {
        if self.length() != 0 {
            // SAFETY: only `grow` makes rows with slots, with this layout, and each belongs to one box.
            unsafe { dealloc(self.0.as_ptr().cast(), Self::layout(self.length())) }
        }
    }
}
