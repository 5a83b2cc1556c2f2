//! The slots of each thread, as the store writes them.
//!
//! The first [`DIRECT`] slots are thread-locals of the store itself, if those are at a constant distance from the thread
//! pointer: then words say the distance. The others are in the thread's row, which grows. `plugin_tls_abi::row` reads both.
//!
//! # Orderings
//!
//! Slots and rows are read and written by their own thread only. `SlotLocals::key` is Relaxed: it is written when the
//! store's table is made, before any binary gets it.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use plugin_tls_abi::row::{Row, Slot, Word, thread_pointer};
use plugin_tls_abi::sys::{image, key};
use plugin_tls_abi::table::FindRow;

/// How many slots are thread-locals themselves: 4 KiB of each thread, whether it uses them or not.
pub(crate) const DIRECT: usize = 512;

/// The first slots of a thread.
pub(crate) type DirectSlots = [Slot; DIRECT];

/// The row of a thread that has none of its own.
static EMPTY: EmptyRow = EmptyRow(Row { size: 0, slots: [] });

struct EmptyRow(Row);

// SAFETY: the row has no slots that could be written.
unsafe impl Sync for EmptyRow {}

/// The address of the empty row.
pub(crate) const fn empty_row() -> NonNull<Row> {
    // SAFETY: the address of a static is not null.
    unsafe { NonNull::new_unchecked((&raw const EMPTY.0).cast_mut()) }
}

/// The thread-locals of one store that hold slots.
#[derive(Debug)]
pub(crate) struct SlotLocals {
    /// The calling thread's pointer to its row.
    row: fn() -> *const Cell<NonNull<Row>>,
    /// The calling thread's first slots.
    direct: fn() -> *const DirectSlots,
    /// Returns the calling thread's row, whatever the key.
    find_row: FindRow,
    distances: OnceLock<Option<Distances>>,
    /// [`NO_KEY`], or a key of the C library whose value is the row as well.
    key: AtomicU64,
}

const NO_KEY: u64 = u64::MAX;

/// From the thread pointer, the same on every thread.
#[derive(Clone, Copy, Debug)]
struct Distances {
    row: usize,
    direct: usize,
}

/// Where the slot with an index is.
enum Place {
    Direct(usize),
    InRow(usize),
}

impl SlotLocals {
    /// # Safety
    ///
    /// - `row` and `direct` return the addresses of thread-locals of the calling thread, which are constant and have no
    ///   destructor, so that they are there until the thread's last instruction. No other code writes them.
    /// - `row` is [`empty_row`] at first, and `direct` is all null.
    /// - `find_row` returns what `row` points to.
    pub(crate) const unsafe fn new(
        row: fn() -> *const Cell<NonNull<Row>>,
        direct: fn() -> *const DirectSlots,
        find_row: FindRow,
    ) -> Self {
        SlotLocals { row, direct, find_row, distances: OnceLock::new(), key: AtomicU64::new(NO_KEY) }
    }

    fn row(&self) -> &Cell<NonNull<Row>> {
        // SAFETY: the thread-local is there until the thread ends, and the reference does not leave this module.
        unsafe { &*(self.row)() }
    }

    fn direct(&self) -> &DirectSlots {
        // SAFETY: the thread-local is there until the thread ends, and the reference does not leave this module.
        unsafe { &*(self.direct)() }
    }

    /// The distances of the thread-locals from the thread pointer, if they are constants: if they are the executable's.
    fn distances(&self) -> Option<Distances> {
        *self.distances.get_or_init(|| {
            if !image::in_executable((&raw const EMPTY).cast()) {
                return None;
            }
            let distance = |address: usize| thread_pointer::distance_to(address);
            Some(Distances { row: distance((self.row)().addr())?, direct: distance((self.direct)().addr())? })
        })
    }

    fn place(&self, index: usize) -> Place {
        match index.checked_sub(if self.distances().is_some() { DIRECT } else { 0 }) {
            None => Place::Direct(index),
            Some(index) => Place::InRow(index),
        }
    }

    /// The word of the copies of the item with this slot.
    pub(crate) fn word(&self, index: usize) -> Word {
        match (self.place(index), self.distances()) {
            (Place::Direct(slot), Some(distances)) => {
                Word::at_distance(distances.direct.wrapping_add(slot * size_of::<Slot>()))
            }
            (Place::Direct(slot) | Place::InRow(slot), _) => Word::in_row(slot),
        }
    }

    /// What the calling thread's slot holds, if there is one.
    pub(crate) fn value(&self, index: usize) -> Option<NonNull<()>> {
        match self.place(index) {
            Place::Direct(slot) => NonNull::new(self.direct()[slot].get().cast_mut()),
            // SAFETY: the row is the calling thread's.
            Place::InRow(slot) => unsafe { Row::value_at(self.row().get(), Word::in_row(slot)) },
        }
    }

    /// Shows the calling thread's row to the hot path of every binary on this thread.
    fn set_row(&self, row: NonNull<Row>) {
        self.row().set(row);
        if let Ok(key) = c_uint::try_from(self.key.load(Relaxed)) {
            // SAFETY: `finder` created the key, and it is never deleted. Where the C library has no memory for the thread's
            // first value, that stays null, and each access asks the store.
            unsafe { key::set(key, row.as_ptr().cast()) };
        }
    }

    /// What finds the row for other binaries, and its argument.
    pub(crate) fn finder(&self) -> (FindRow, c_uint) {
        /// Reads the pointer to the row in three instructions.
        unsafe extern "C" fn find_at(distance: c_uint) -> *mut c_void {
            // SAFETY: the store passes this function with the distance of its thread-local, a pointer to the row.
            unsafe { thread_pointer::read(distance as c_int as usize) }.cast()
        }
        if let Some(Distances { row, .. }) = self.distances() {
            return match c_int::try_from(row as isize) {
                Ok(distance) => (find_at, distance as c_uint),
                Err(_) => (self.find_row, 0),
            };
        }
        #[cfg(target_os = "linux")]
        if let Some(key) = key::create() {
            self.key.store(key.into(), Relaxed);
            // `pthread_getspecific` takes less than finding a thread-local of a library.
            return (libc::pthread_getspecific, key);
        }
        (self.find_row, 0)
    }
}

/// The slots of one thread, which alone calls the functions below.
#[derive(Debug)]
pub(crate) struct Slots {
    row: RowBox,
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Slots { row: RowBox::empty() }
    }

    /// Writes the slot of the item with this index, for every binary to see.
    pub(crate) fn set(&mut self, locals: &SlotLocals, index: usize, value: *const ()) {
        match locals.place(index) {
            Place::Direct(slot) => locals.direct()[slot].set(value),
            Place::InRow(slot) => {
                if slot >= self.row.length() {
                    self.row.grow(slot);
                    locals.set_row(self.row.0);
                }
                self.row.slot(slot).set(value);
            }
        }
    }

    /// Empties the slot of the item with this index, which has been set.
    pub(crate) fn clear(&mut self, locals: &SlotLocals, index: usize) {
        match locals.place(index) {
            Place::Direct(slot) => locals.direct()[slot].set(ptr::null()),
            Place::InRow(slot) => self.row.slot(slot).set(ptr::null()),
        }
    }

    /// Frees the row of a thread that has no values any more.
    pub(crate) fn free(&mut self, locals: &SlotLocals) {
        locals.set_row(empty_row());
        self.row = RowBox::empty();
    }
}

/// A thread's own row, which grows. The empty row is shared and not allocated.
#[derive(Debug)]
struct RowBox(NonNull<Row>);

// SAFETY: a box owns its row. Its thread alone reads and writes the slots; other threads may hold the box.
unsafe impl Send for RowBox {}

impl RowBox {
    const fn empty() -> Self {
        RowBox(empty_row())
    }

    fn length(&self) -> usize {
        // SAFETY: the row is alive for as long as its box, and there is no unique reference to it.
        unsafe { (*self.0.as_ptr()).size / size_of::<Slot>() }
    }

    fn slot(&self, slot: usize) -> &Slot {
        assert!(slot < self.length());
        // SAFETY:
        // - The slot is within the row's length, which was checked.
        // - `self` is borrowed for as long as the slot, and a row is freed by functions that take `&mut self` only.
        unsafe { &*(&raw const (*self.0.as_ptr()).slots).cast::<Slot>().add(slot) }
    }

    /// Grows to a power of two above `slot`: at most two slots, sixteen bytes, for each one up to it. The row moves, so
    /// that its address must be asked for again.
    #[cold]
    fn grow(&mut self, slot: usize) {
        let length = (slot + 1).next_power_of_two().max(4);
        let layout = Self::layout(length);
        // SAFETY: the layout is not empty, since it has at least the row's size.
        let raw = unsafe { alloc_zeroed(layout) }.cast::<Row>();
        let Some(grown) = NonNull::new(raw) else { handle_alloc_error(layout) };
        // SAFETY:
        // - `grown` is fresh and large enough for its length and `length` slots; zeroed slots are null pointers.
        // - The old row has `self.length()` slots, fewer than `length`, and the two do not overlap.
        unsafe {
            (*grown.as_ptr()).size = length * size_of::<Slot>();
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
