//! The hot path: from an item's index to the calling thread's value.
//!
//! The host has one thread-local cell; it points at the thread's row, `{ length, slots }`. How a binary finds the row:
//!
//! | binary | way |
//! |---|---|
//! | the host, built without the feature `plugin` | its own `std::thread_local!`, the cell |
//! | any other, the host being the executable on Linux (x86_64, aarch64) | the cell, at a constant distance from the thread pointer |
//! | any other | it calls the host, which keeps the row for that in a key of libc too: reading one takes less than finding a thread-local of a library |
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
use std::ptr::NonNull;

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
#[cfg_attr(not(store), allow(dead_code, reason = "of use to stores, and where thread pointers are not known"))]
pub(crate) static EMPTY: Row = Row { length: 0, slots: [] };

// SAFETY: a `Row` behind a shared static is `EMPTY`: it has no slots that could be written.
unsafe impl Sync for Row {}

impl Row {
    /// The value in slot `index`, if there is one.
    ///
    /// # Safety
    ///
    /// `row` is the row of the calling thread.
    #[inline]
    pub(crate) unsafe fn value(row: NonNull<Row>, index: usize) -> Option<NonNull<()>> {
        let row = row.as_ptr();
        // SAFETY:
        // - the row of a running thread is alive: its thread alone replaces it, in calls that this function does not make;
        // - the slot is within the row's length, which `RowBox` allocated.
        unsafe {
            if index < (*row).length {
                NonNull::new((*(&raw const (*row).slots).cast::<Cell<*const ()>>().add(index)).get().cast_mut())
            } else {
                None
            }
        }
    }
}

#[cfg(store)]
pub(crate) use owned::{FirstRow, RowBox};

#[cfg(store)]
mod owned {
    use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
    use std::cell::Cell;
    use std::mem::offset_of;
    use std::ptr::{self, NonNull};

    use super::{EMPTY, Row};

    /// A thread's first row, for which nothing is allocated.
    #[repr(C)]
    pub(crate) struct FirstRow {
        row: Row,
        slots: [Cell<*const ()>; FirstRow::LENGTH],
    }

    const _: () = assert!(offset_of!(FirstRow, slots) == size_of::<Row>());

    impl FirstRow {
        const LENGTH: usize = 8;

        pub(crate) const fn new() -> Self {
            FirstRow {
                row: Row { length: Self::LENGTH, slots: [] },
                slots: [const { Cell::new(ptr::null()) }; Self::LENGTH],
            }
        }
    }

    /// A thread's own row, which grows. The empty row of a fresh thread is shared; neither that nor the first row is
    /// allocated.
    pub(crate) struct RowBox(NonNull<Row>);

    impl RowBox {
        /// The row of a thread that has no values.
        pub(crate) const fn empty() -> Self {
            // SAFETY: the address of a static is not null.
            RowBox(unsafe { NonNull::new_unchecked((&raw const EMPTY).cast_mut()) })
        }

        /// Starts with `first`, whose slots are empty.
        ///
        /// # Safety
        ///
        /// It stays where it is for as long as the box, which is its only user.
        pub(crate) unsafe fn start_with(first: &FirstRow) -> Self {
            RowBox(NonNull::from(first).cast())
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
        pub(crate) fn clear(&mut self, index: usize) {
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
            let length = (index + 1).next_power_of_two().max(2 * FirstRow::LENGTH);
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
            if self.length() > FirstRow::LENGTH {
                // SAFETY: only `grow` makes rows of this length, with this layout, and each belongs to one box.
                unsafe { dealloc(self.0.as_ptr().cast(), Self::layout(self.length())) }
            }
        }
    }
}

/// The host's cell.
#[cfg(store)]
pub(crate) mod own {
    use std::cell::Cell;
    use std::ffi::{c_uint, c_void};
    use std::ptr::NonNull;

    use super::{EMPTY, Row, RowCell};
    use crate::abi::FindRow;

    // Constant and without a destructor: reachable from a thread's first instruction to its last.
    std::thread_local!(static ROW: RowCell = const { RowCell(Cell::new(&raw const EMPTY)) });

    /// The address of the calling thread's cell, which does not change.
    #[inline]
    pub(crate) fn cell() -> *const RowCell {
        ROW.with(std::ptr::from_ref)
    }

    /// The calling thread's row.
    #[inline]
    pub(crate) fn get() -> NonNull<Row> {
        // SAFETY: it is never null: see `RowCell`.
        unsafe { NonNull::new_unchecked(ROW.with(|cell| cell.0.get()).cast_mut()) }
    }

    /// Shows the calling thread's row to every binary's hot path on this thread.
    pub(crate) fn set(row: *const Row) {
        ROW.with(|cell| cell.0.set(row));
        #[cfg(target_os = "linux")]
        key::set(row);
    }

    /// What finds the row for those who cannot find the cell, and its argument.
    pub(crate) fn finder() -> (FindRow, c_uint) {
        unsafe extern "C" fn find(_key: c_uint) -> *mut c_void {
            get().as_ptr().cast()
        }
        #[cfg(target_os = "linux")]
        if let Some(key) = super::offset_of_own_cell().is_none().then(key::create).flatten() {
            return (libc::pthread_getspecific, key);
        }
        (find, 0)
    }

    /// A key of libc whose value is the row, too: `pthread_getspecific` is the fastest way to a library's row.
    #[cfg(target_os = "linux")]
    mod key {
        use std::ffi::c_uint;
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

        use super::Row;

        /// `NONE`, or the key. It is created before the store is first used, and stays.
        static KEY: AtomicU64 = AtomicU64::new(NONE);
        const NONE: u64 = u64::MAX;

        pub(super) fn create() -> Option<c_uint> {
            let mut key = 0;
            // SAFETY: `key` is writable; there is no destructor.
            let created = unsafe { libc::pthread_key_create(&raw mut key, None) } == 0;
            created.then(|| {
                // Relaxed: whoever uses the store comes after it.
                KEY.store(key.into(), Relaxed);
                key
            })
        }

        pub(super) fn set(row: *const Row) {
            if let Ok(key) = KEY.load(Relaxed).try_into() {
                // SAFETY: the key exists. Where there is no memory, the value stays as it is: null, since libc needs some
                // for a thread's first value only. Then each access asks the store.
                unsafe { libc::pthread_setspecific(key, row.cast()) };
            }
        }
    }
}

/// The row of the calling thread.
#[cfg(all(store, not(feature = "plugin")))]
#[inline]
pub(crate) fn current() -> Option<NonNull<Row>> {
    Some(own::get())
}

/// The row of the calling thread, if [`current`] had not found it.
#[cfg(all(store, not(feature = "plugin")))]
#[inline]
pub(crate) fn find() -> Option<NonNull<Row>> {
    None
}

#[cfg(feature = "plugin")]
pub(crate) use connected::{connect, current, disconnect, find};

/// How a binary that may be connected to another one's store finds the row.
#[cfg(feature = "plugin")]
mod connected {
    use std::ffi::{c_uint, c_void};
    use std::mem;
    use std::ptr::{self, NonNull};
    use std::sync::atomic::{
        AtomicIsize, AtomicPtr, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
    };

    use super::Row;
    use crate::abi::FindRow;

    /// [`Api::row_offset`](crate::abi::Api::row_offset) of the store; zero while there is none.
    static OFFSET: AtomicIsize = AtomicIsize::new(0);

    /// [`Api::row`](crate::abi::Api::row) of the store: a [`FindRow`].
    static FIND: AtomicPtr<()> = AtomicPtr::new(NO_ROW as *mut ());
    const NO_ROW: FindRow = no_row;
    /// [`Api::row_key`](crate::abi::Api::row_key) of the store.
    static KEY: AtomicU32 = AtomicU32::new(0);

    unsafe extern "C" fn no_row(_key: c_uint) -> *mut c_void {
        ptr::null_mut()
    }

    /// # Safety
    ///
    /// `offset` is zero or the distance from the thread pointer to the store's row cell, on every thread. `find` returns
    /// the calling thread's row or null, for `key` and for zero.
    pub(crate) unsafe fn connect(offset: isize, find: FindRow, key: c_uint) {
        // Whoever finds an index before these finds no row, and so comes to the slow path. Release: a key is read after the
        // function that it is for.
        KEY.store(key, Relaxed);
        FIND.store(find as *mut (), Release);
        OFFSET.store(offset, Relaxed);
    }

    /// As if [`connect`] had never been called.
    pub(crate) fn disconnect() {
        // SAFETY: zero and a function that returns null.
        unsafe { connect(0, NO_ROW, 0) }
    }

    /// The row of the calling thread, where that is quickly found.
    #[inline]
    pub(crate) fn current() -> Option<NonNull<Row>> {
        let offset = OFFSET.load(Relaxed);
        // SAFETY: `connect` was told that the offset is right. What is there is never null: see `RowCell`.
        (offset != 0).then(|| unsafe { NonNull::new_unchecked(super::thread_pointer::read(offset).cast_mut()) })
    }

    /// The row of the calling thread, wherever it is. A jump into what the store named.
    #[cold]
    #[inline(never)]
    pub(crate) fn find() -> Option<NonNull<Row>> {
        // Acquire: pairs with the Release in `connect`, so that the key is the function's.
        // SAFETY: it is a `FindRow`, here and in `connect`, which was told that it is the right one for the key.
        let find = unsafe { mem::transmute::<*mut (), FindRow>(FIND.load(Acquire)) };
        // SAFETY: as above.
        NonNull::new(unsafe { find(KEY.load(Relaxed)) }.cast())
    }
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
