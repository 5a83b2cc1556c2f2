//! Thread-local values.
//!
//! What a thread has, from its first access to its end:
//!
//! ```text
//! no record ──first access──► running ──its destructors run──► ending ──all dropped──► gone
//!                                │                               │
//!              values are built on demand          each value is dropped, last created first;
//!                                                  destructors may use and build others
//! ```
//!
//! Values without a destructor go last, all at once: destructors may use them to the end.

use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::Relaxed;

use super::building::{self, copy_of};
use super::registry::ItemCopy;
use crate::abi::{self, Access, Status};
use crate::row::{self, RowBox};

/// One value of a thread.
struct Value {
    owner: &'static ItemCopy,
    value: NonNull<u8>,
}

/// What a thread has.
struct Thread {
    row: RefCell<RowBox>,
    /// In the order of their creation.
    values: RefCell<Vec<Value>>,
    /// The slots of values that have been dropped while the thread ends; sorted.
    dropped: RefCell<Vec<usize>>,
}

/// A thread that is gone: never a `Thread`.
const GONE: *mut Thread = ptr::without_provenance_mut(1);

// Constant and without a destructor: it is there to say that the thread is gone.
std::thread_local!(static CURRENT: Cell<*mut Thread> = const { Cell::new(ptr::null_mut()) });
// Its destructor is the end of the thread's values.
std::thread_local!(static GUARD: Guard = const { Guard });

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let thread = CURRENT.with(Cell::get);
        // SAFETY: neither null nor gone, since `Thread::current` makes the thread's record right after the guard, and
        // only this function ends it, once.
        if let Some(thread) = unsafe { thread.as_ref() } {
            thread.end();
        }
    }
}

impl Thread {
    /// The calling thread's record; `None` if it is gone.
    fn current() -> Option<NonNull<Thread>> {
        let current = CURRENT.with(Cell::get);
        if current.is_null() {
            // Registers the destructor, unless it has run.
            GUARD.try_with(|_| ()).ok()?;
            let thread = Box::new(Thread {
                row: RefCell::new(RowBox::new()),
                values: RefCell::default(),
                dropped: RefCell::default(),
            });
            let thread = Box::into_raw(thread);
            CURRENT.with(|current| current.set(thread));
            return NonNull::new(thread);
        }
        if current == GONE { None } else { NonNull::new(current) }
    }

    fn is_dropped(&self, index: usize) -> bool {
        self.dropped.borrow().binary_search(&index).is_ok()
    }

    fn insert(&self, value: Value) {
        let record = value.owner.record;
        let address = value.value.as_ptr().cast_const().cast();
        self.values.borrow_mut().push(value);
        let mut row = self.row.borrow_mut();
        row.set(record.index, address);
        publish(row.as_ptr());
        // Relaxed: a count for people.
        record.threads.fetch_add(1, Relaxed);
    }

    /// Drops everything; the record is freed, and the thread is gone.
    fn end(&self) {
        let mut last = Vec::new();
        loop {
            // Its own statement: the borrow must end before a destructor runs.
            let next = self.values.borrow_mut().pop();
            let Some(value) = next else { break };
            if value.owner.drop.is_none() {
                last.push(value);
                continue;
            }
            let index = value.owner.record.index;
            let mut dropped = self.dropped.borrow_mut();
            if let Err(position) = dropped.binary_search(&index) {
                dropped.insert(position, index);
            }
            drop(dropped);
            self.destroy(value);
        }
        for value in last {
            self.destroy(value);
        }
        publish(&raw const row::EMPTY);
        let thread = CURRENT.with(|current| current.replace(GONE));
        // SAFETY: made by `Box::into_raw` in `current`; nothing refers to it any more but `self`, which is not used
        // below.
        drop(unsafe { Box::from_raw(thread) });
    }

    fn destroy(&self, value: Value) {
        self.row.borrow().clear(value.owner.record.index);
        // Relaxed: a count for people.
        value.owner.record.threads.fetch_sub(1, Relaxed);
        // SAFETY: the value was built for this owner; it is in no list and in no slot any more, and whoever had a
        // reference to it has returned: references live for a `with`, and none runs while the thread ends but those of
        // destructors, which ran to their end.
        unsafe { building::destroy(value.owner, value.value) };
    }
}

/// Shows the row to every binary's hot path on this thread.
fn publish(row: *const row::Row) {
    // SAFETY: the calling thread's cell.
    unsafe { (*row::own::cell()).0.set(row) }
}

/// The calling thread's value: the one that is there, or a new one.
pub(crate) fn find_or_build(access: &mut Access) -> Status {
    // SAFETY: the accessor's handle.
    let copy = unsafe { copy_of(access.item) };
    let record = copy.record;
    // SAFETY: it is the calling thread's row.
    let present = unsafe { row::Row::value((*row::own::cell()).0.get(), record.index) };
    if !present.is_null() {
        access.value = present.cast();
        return abi::OK;
    }
    let Some(thread) = Thread::current() else { return abi::DESTROYED };
    // SAFETY: the record of the calling thread; it is freed by the thread's last destructor only, which is not running
    // in the midst of this function.
    if unsafe { thread.as_ref() }.is_dropped(record.index) {
        return abi::DESTROYED;
    }
    if let Some(chain) = building::recursion(record) {
        // SAFETY: the accessor's sink is usable for the whole access.
        unsafe { access.sink.write(&chain) };
        return abi::RECURSION;
    }
    let owner = building::builder(copy);
    match building::build(owner, access) {
        Ok(value) => {
            // SAFETY: as above.
            unsafe { thread.as_ref() }.insert(Value { owner, value });
            access.value = value.as_ptr().cast_const().cast();
            abi::OK
        }
        Err(status) => status,
    }
}
