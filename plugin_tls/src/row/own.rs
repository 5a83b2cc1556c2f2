//! The host's thread-locals: where the row is and the first slots; and what others are told of them.

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Row;
use super::slots::EMPTY;
use crate::abi::FindRow;

/// How many slots are thread-locals themselves: four KiB of each thread, whether it uses them or not.
pub(super) const DIRECT: usize = 512;

// Constant and without a destructor, both: reachable from a thread's first instruction to its last.
std::thread_local!(static ROW: Cell<NonNull<Row>> = const { Cell::new(EMPTY.address()) });
std::thread_local!(static SLOTS: [Cell<*const ()>; DIRECT] = const { [const { Cell::new(ptr::null()) }; DIRECT] });

/// Set by tests, before anything else happens: then the store states no distances.
pub(crate) static FORCE_FALLBACK: AtomicBool = AtomicBool::new(false);

/// From the thread pointer, the same on every thread.
#[derive(Clone, Copy)]
struct Distances {
    row: usize,
    slots: usize,
}

/// The distances of the thread-locals above, if they are constants: if they are the executable's.
fn distances() -> Option<Distances> {
    static DISTANCES: OnceLock<Option<Distances>> = OnceLock::new();
    *DISTANCES.get_or_init(|| {
        #[cfg(thread_pointer)]
        // Relaxed: set before any other thread could look.
        if !FORCE_FALLBACK.load(Relaxed) && crate::store::image::in_executable((&raw const EMPTY).cast()) {
            let row = ROW.with(|row| super::thread_pointer::distance_to(row.as_ptr().addr()));
            let slots = SLOTS.with(|slots| super::thread_pointer::distance_to(slots.as_ptr().addr()));
            return Some(Distances { row, slots });
        }
        None
    })
}

/// Where the slot of an item is.
pub(super) enum Place {
    /// Among [`SLOTS`].
    Direct(usize),
    /// In the row.
    Row(usize),
}

pub(super) fn place(index: usize) -> Place {
    match index.checked_sub(if distances().is_some() { DIRECT } else { 0 }) {
        None => Place::Direct(index),
        Some(index) => Place::Row(index),
    }
}

/// The word of a thread-local item's copies: see the module above.
pub(crate) fn word(index: usize) -> usize {
    let bytes = size_of::<Cell<*const ()>>();
    match (place(index), distances()) {
        (Place::Direct(slot), Some(distances)) => distances.slots.wrapping_add(slot * bytes),
        (Place::Direct(slot) | Place::Row(slot), _) => slot * bytes + 1,
    }
}

/// What the calling thread's slot of the item with this index holds, if there is one.
pub(crate) fn value(index: usize) -> Option<NonNull<()>> {
    match place(index) {
        Place::Direct(slot) => NonNull::new(SLOTS.with(|slots| slots[slot].get()).cast_mut()),
        // SAFETY: it is the calling thread's row.
        Place::Row(_) => unsafe { Row::value(row()?, word(index)) },
    }
}

/// Writes one of the calling thread's [`SLOTS`].
pub(super) fn set_direct(slot: usize, value: *const ()) {
    SLOTS.with(|slots| slots[slot].set(value));
}

/// The calling thread's row. Out of line, or it would get in the way of those accesses that do not need it.
#[cold]
#[inline(never)]
pub(super) fn row() -> Option<NonNull<Row>> {
    Some(ROW.with(Cell::get))
}

/// Shows the calling thread's row to every binary's hot path on this thread.
pub(super) fn set_row(row: NonNull<Row>) {
    ROW.with(|cell| cell.set(row));
    #[cfg(target_os = "linux")]
    key::set(row);
}

/// What finds the row for other binaries, and its argument.
pub(crate) fn finder() -> (FindRow, c_uint) {
    unsafe extern "C" fn find(_key: c_uint) -> *mut c_void {
        ROW.with(Cell::get).as_ptr().cast()
    }
    /// As `find`, in three instructions.
    unsafe extern "C" fn find_at(distance: c_uint) -> *mut c_void {
        // SAFETY: the distance is that of `ROW`, which holds a pointer.
        unsafe { super::thread_pointer::read(distance as c_int as usize) }.cast()
    }
    match distances() {
        Some(Distances { row, .. }) => match c_int::try_from(row as isize) {
            Ok(distance) => (find_at, distance as c_uint),
            Err(_) => (find, 0),
        },
        #[cfg(target_os = "linux")]
        None => key::create().map_or((find as FindRow, 0), |key| (libc::pthread_getspecific as FindRow, key)),
        #[cfg(not(target_os = "linux"))]
        None => (find, 0),
    }
}

/// A key of libc whose value is the row, too: `pthread_getspecific` is the fastest way to a library's row.
#[cfg(target_os = "linux")]
mod key {
    use std::ffi::c_uint;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::{NonNull, Row};

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

    pub(super) fn set(row: NonNull<Row>) {
        if let Ok(key) = KEY.load(Relaxed).try_into() {
            // SAFETY: the key exists. Where there is no memory, the value stays as it is: null, since libc needs some for a
            // thread's first value only. Then each access asks the store.
            unsafe { libc::pthread_setspecific(key, row.as_ptr().cast()) };
        }
    }
}
