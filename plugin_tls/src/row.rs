//! The hot path: from an item's index to the calling thread's value.
//!
//! The host has one thread-local cell; it points at the thread's row, `{ length, slots }`. How a binary finds the cell:
//!
//! | binary | way |
//! |---|---|
//! | the host, built without the feature `plugin` | its own `std::thread_local!` |
//! | any other, the host being the executable on Linux (x86_64, aarch64) | the thread pointer plus a constant distance |
//! | any other | a `std::thread_local!` of its own that caches the cell's address |
//!
//! What a slot holds:
//!
//! | slot | meaning |
//! |---|---|
//! | beyond the row's length | this copy of the item is not resolved yet, the thread is fresh, or the row is too short |
//! | null | not initialized on this thread, or dropped |
//! | not null | the value |
//!
//! Only its own thread reads or writes a row.

use std::cell::Cell;
use std::mem::{offset_of, size_of};

/// A thread's row: its slots follow in memory.
#[repr(C)]
pub(crate) struct Row {
    /// How many slots follow.
    length: usize,
    slots: [Cell<*const ()>; 0],
}

/// Where a thread keeps the pointer to its row. Never null.
#[repr(transparent)]
pub(crate) struct RowCell(pub(crate) Cell<*const Row>);

const _: () = assert!(offset_of!(Row, length) == 0 && offset_of!(Row, slots) == size_of::<usize>());
const _: () = assert!(size_of::<RowCell>() == size_of::<usize>());

/// The row of a thread that has no values.
pub(crate) static EMPTY: Row = Row { length: 0, slots: [] };

// SAFETY: a `Row` behind a shared static is `EMPTY`: it has no slots that could be written.
unsafe impl Sync for Row {}

impl Row {
    /// The value in slot `index`: null if there is no such slot.
    ///
    /// # Safety
    ///
    /// `row` is the row of the calling thread.
    #[inline]
    pub(crate) unsafe fn value(row: *const Row, index: usize) -> *const () {
        // SAFETY:
        // - the row of a running thread is alive: its thread alone replaces it, in calls that this function does not make;
        // - the slot is within the row's length, which `RowBox` allocated.
        unsafe {
            if index < (*row).length {
                (*(&raw const (*row).slots).cast::<Cell<*const ()>>().add(index)).get()
            } else {
                std::ptr::null()
            }
        }
    }
}

#[cfg(store)]
pub(crate) use owned::RowBox;

#[cfg(store)]
mod owned {
    use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
    use std::cell::Cell;
    use std::ptr::{self, NonNull};

    use super::{EMPTY, Row};

    /// A thread's own row, which grows. The empty row of a fresh thread is shared and not allocated.
    pub(crate) struct RowBox(NonNull<Row>);

    impl RowBox {
        pub(crate) fn new() -> Self {
            RowBox(NonNull::from(&EMPTY))
        }

        pub(crate) fn as_ptr(&self) -> *const Row {
            self.0.as_ptr()
        }

        fn length(&self) -> usize {
            // SAFETY: the row is alive for as long as its box, and nobody holds a unique reference to it.
            unsafe { (*self.0.as_ptr()).length }
        }

        /// Stores `value` in slot `index`. The row may move: whoever holds its address must ask for it again.
        pub(crate) fn set(&mut self, index: usize, value: *const ()) {
            if index >= self.length() {
                self.grow(index);
            }
            self.slot(index).set(value);
        }

        /// Empties slot `index`, which has been set.
        pub(crate) fn clear(&self, index: usize) {
            self.slot(index).set(ptr::null());
        }

        fn slot(&self, index: usize) -> &Cell<*const ()> {
            assert!(index < self.length());
            // SAFETY:
            // - the slot is within the row's length, checked above;
            // - `self` is borrowed for as long as the cell, and rows are freed by `&mut self` and drop only.
            unsafe { &*(&raw const (*self.0.as_ptr()).slots).cast::<Cell<*const ()>>().add(index) }
        }

        /// To a power of two above `index`: at most two slots, sixteen bytes, for each index up to it.
        #[cold]
        fn grow(&mut self, index: usize) {
            let length = (index + 1).next_power_of_two().max(4);
            let layout = Self::layout(length);
            // SAFETY: the layout is not empty: it has the row's length at least.
            let raw = unsafe { alloc_zeroed(layout) }.cast::<Row>();
            let Some(grown) = NonNull::new(raw) else { handle_alloc_error(layout) };
            // SAFETY:
            // - `grown` is fresh and large enough for its length and `length` slots; zeroed slots are null pointers;
            // - the old row has `self.length()` slots, fewer than `length`, and the two do not overlap.
            unsafe {
                (*grown.as_ptr()).length = length;
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
}

/// The host's cell.
#[cfg(store)]
pub(crate) mod own {
    use std::cell::Cell;

    use super::{EMPTY, RowCell};

    // Constant and without a destructor: reachable from a thread's first instruction to its last.
    std::thread_local!(static ROW: RowCell = const { RowCell(Cell::new(&raw const EMPTY)) });

    /// The address of the calling thread's cell, which does not change.
    #[inline]
    pub(crate) fn cell() -> *const RowCell {
        ROW.with(std::ptr::from_ref)
    }
}

/// The row of the calling thread. In a binary that is not connected: any row, of which no index may be used.
#[cfg(all(store, not(feature = "plugin")))]
#[inline]
pub(crate) fn current() -> *const Row {
    // SAFETY: the cell of the calling thread is alive while the thread runs.
    unsafe { (*own::cell()).0.get() }
}

#[cfg(feature = "plugin")]
pub(crate) use connected::{connect, current, refresh};

/// How a binary that may be connected to another one's store finds the row.
#[cfg(feature = "plugin")]
mod connected {
    use std::cell::Cell;
    use std::ptr;
    use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

    use super::{EMPTY, Row, RowCell};

    /// [`Api::row_offset`](crate::abi::Api::row_offset) of the store; zero while there is none.
    static OFFSET: AtomicIsize = AtomicIsize::new(0);

    struct Unset(RowCell);
    // SAFETY: nobody writes it.
    unsafe impl Sync for Unset {}
    static UNSET: Unset = Unset(RowCell(Cell::new(&raw const EMPTY)));

    // Constant and without a destructor: this binary can be unmapped for all that it leaves behind.
    std::thread_local!(static CELL: Cell<*const RowCell> = const { Cell::new(&raw const UNSET.0) });

    /// # Safety
    ///
    /// `offset` is zero or the distance from the thread pointer to the store's row cell, on every thread.
    pub(crate) unsafe fn connect(offset: isize) {
        // Relaxed: it orders nothing. Whoever finds an index before the offset takes the row of a thread that has none,
        // and so comes to the slow path.
        OFFSET.store(offset, Relaxed);
    }

    #[inline]
    pub(crate) fn current() -> *const Row {
        let offset = OFFSET.load(Relaxed);
        if offset != 0 {
            // SAFETY: `connect` was told that the offset is right.
            return unsafe { super::thread_pointer::read(offset) };
        }
        // SAFETY: the cell is this binary's own `UNSET` or the calling thread's own cell, which is alive while the
        // thread runs.
        unsafe { (*CELL.with(Cell::get)).0.get() }
    }

    /// Fetches the calling thread's cell from the store, where that is how this binary finds the row: true if there may
    /// be another row than before.
    pub(crate) fn refresh() -> bool {
        let unset = ptr::eq(CELL.with(Cell::get), &raw const UNSET.0);
        if OFFSET.load(Relaxed) != 0 || !unset {
            return false;
        }
        let Some(row_cell) = crate::binary::store().and_then(|store| store.row_cell) else { return false };
        CELL.with(|cell| cell.set(row_cell().cast()));
        true
    }
}
/// Fetches the calling thread's cell from the store, where that is how this binary finds the row: true if there may be
/// another row than before.
#[cfg(not(feature = "plugin"))]
pub(crate) fn refresh() -> bool {
    false
}

/// From the thread pointer to the own store's cell, where that is a constant.
#[cfg(store)]
pub(crate) fn offset_of_own_cell() -> Option<isize> {
    if FORCE_FALLBACK.load(std::sync::atomic::Ordering::Relaxed) {
        return None;
    }
    thread_pointer::offset_of_cell()
}

/// Set by tests, before anything else happens: then the store states no offset.
#[cfg(store)]
pub(crate) static FORCE_FALLBACK: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Thread-locals by their distance from the thread pointer, where the platform has one and rustc uses it.
#[cfg(any(feature = "plugin", store))]
pub(crate) mod thread_pointer {
    /// Reads the word at `offset` from the thread pointer.
    ///
    /// # Safety
    ///
    /// There is a pointer to a row, on every thread.
    #[cfg(all(feature = "plugin", target_os = "linux", target_arch = "x86_64", target_pointer_width = "64"))]
    #[inline(always)]
    pub(crate) unsafe fn read(offset: isize) -> *const super::Row {
        let row;
        // SAFETY: the caller's word; the instruction reads memory and does nothing else.
        unsafe {
            std::arch::asm!("mov {row}, qword ptr fs:[{offset}]", row = out(reg) row, offset = in(reg) offset,
                options(pure, readonly, nostack, preserves_flags));
        }
        row
    }

    /// See above.
    ///
    /// # Safety
    ///
    /// See above.
    #[cfg(all(feature = "plugin", target_os = "linux", target_arch = "aarch64", target_pointer_width = "64"))]
    #[inline(always)]
    pub(crate) unsafe fn read(offset: isize) -> *const super::Row {
        let thread: *const u8;
        // SAFETY: reading the thread pointer touches nothing; the load is covered by the caller's word.
        unsafe {
            std::arch::asm!("mrs {thread}, tpidr_el0", thread = out(reg) thread,
                options(pure, nomem, nostack, preserves_flags));
            *thread.offset(offset).cast()
        }
    }

    /// No such platform: a store on it states no offset.
    ///
    /// # Safety
    ///
    /// Nothing to keep.
    #[cfg(all(
        feature = "plugin",
        not(all(
            target_os = "linux",
            any(target_arch = "x86_64", target_arch = "aarch64"),
            target_pointer_width = "64"
        ))
    ))]
    pub(crate) unsafe fn read(_offset: isize) -> *const super::Row {
        &raw const super::EMPTY
    }

    /// The distance from the thread pointer to this thread's row cell, if it is the same on every thread: if the cell
    /// is the executable's.
    #[cfg(all(
        store,
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64"
    ))]
    pub(crate) fn offset_of_cell() -> Option<isize> {
        let in_executable = crate::store::image::in_executable((&raw const super::EMPTY).cast());
        in_executable.then(|| super::own::cell().addr().wrapping_sub(thread_pointer()) as isize)
    }

    #[cfg(all(
        store,
        not(all(
            target_os = "linux",
            any(target_arch = "x86_64", target_arch = "aarch64"),
            target_pointer_width = "64"
        ))
    ))]
    pub(crate) fn offset_of_cell() -> Option<isize> {
        None
    }

    #[cfg(all(store, target_os = "linux", target_arch = "x86_64", target_pointer_width = "64"))]
    fn thread_pointer() -> usize {
        let address;
        // SAFETY: the ABI has the thread pointer itself at its own address.
        unsafe {
            std::arch::asm!("mov {address}, qword ptr fs:[0]", address = out(reg) address,
                options(pure, readonly, nostack, preserves_flags));
        }
        address
    }

    #[cfg(all(store, target_os = "linux", target_arch = "aarch64", target_pointer_width = "64"))]
    fn thread_pointer() -> usize {
        let address;
        // SAFETY: reading the thread pointer touches nothing.
        unsafe {
            std::arch::asm!("mrs {address}, tpidr_el0", address = out(reg) address,
                options(pure, nomem, nostack, preserves_flags));
        }
        address
    }
}
