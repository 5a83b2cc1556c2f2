//! What each thread has: values, and what else must happen before it ends.
//!
//! ```text
//! no record ──first access──► running ──its destructors run──► ending ──all gone──► gone
//!                                │                               │
//!        values are built on demand,             each entry is taken off the list and run, last
//!        safe points take entries off            created first; that may create new ones
//! ```
//!
//! Values without a destructor go last, and so do keys: destructors may use them to the end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_uint;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::building;
use super::entries::{Entry, List, Part, Value, active};
use super::image;
use super::progress;
use super::registry::{Binary, ItemCopy};
use crate::abi::{self, Access, Status};
use crate::row::{self, RowBox};

/// A thread, as other threads see it.
pub(crate) struct Thread {
    /// The system's number of the thread.
    pub(crate) id: u64,
    /// The plugin that started it, whose code it runs.
    pub(crate) started_by: Option<&'static Binary>,
    list: Mutex<List>,
}

impl Thread {
    pub(crate) fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing under this lock panics.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The code of `binary` has done what it was active for. Such things nest, so that the last one alike is it.
    fn deactivate(&self, binary: &Binary, item: Option<&ItemCopy>) {
        let mut list = self.lock();
        let position = list.active.iter().rposition(|(active, active_item)| {
            ptr::eq(*active, binary) && active_item.map(ptr::from_ref) == item.map(ptr::from_ref)
        });
        if let Some(position) = position {
            list.active.remove(position);
        }
        drop(list);
        progress::made();
    }

    /// The thread's name, as the system has it.
    pub(crate) fn name(&self) -> Option<String> {
        image::thread_name(self.id)
    }
}

/// A thread, as it sees itself.
pub(crate) struct Own {
    shared: Arc<Thread>,
    row: RefCell<RowBox>,
    /// The slots of values that have been dropped while the thread ends; sorted.
    dropped: RefCell<Vec<usize>>,
    /// [`RESETS`] when this thread last dropped everything.
    resets: Cell<usize>,
}

/// All threads that have a list.
static THREADS: Mutex<Option<HashMap<u64, Arc<Thread>>>> = Mutex::new(None);

/// How often everything was reset.
static RESETS: AtomicUsize = AtomicUsize::new(0);

// Constant and without a destructor: null before the thread's first access and after its end.
std::thread_local!(static CURRENT: Cell<*mut Own> = const { Cell::new(ptr::null_mut()) });
// Its destructor is the end of the thread's list.
std::thread_local!(static GUARD: Guard = const { Guard });

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let thread = CURRENT.with(Cell::get);
        // SAFETY: not null, since `start` makes the thread's record right after the guard, and only this
        // function ends it, once.
        if let Some(thread) = unsafe { thread.as_ref() } {
            thread.end();
        }
    }
}

/// Runs `f` with the calling thread's record; `None` if the thread is gone.
pub(crate) fn with_current<R>(f: impl FnOnce(&Own) -> R) -> Option<R> {
    // SAFETY: see `current`; `f` is within it.
    current().map(|own| f(unsafe { own.as_ref() }))
}

/// The calling thread's record; `None` if the thread is gone.
///
/// The record is freed by the thread's last destructor, which runs when the thread has left everything else: it may be
/// used until the caller returns to code that is not this crate's.
pub(crate) fn current() -> Option<NonNull<Own>> {
    let current = CURRENT.with(Cell::get);
    NonNull::new(if current.is_null() { start(None)? } else { current })
}

/// Makes the calling thread's record, unless it is gone.
#[cold]
fn start(started_by: Option<&'static Binary>) -> Option<*mut Own> {
    // Registers the destructor, unless it has run.
    GUARD.try_with(|_| ()).ok()?;
    let id = image::thread_id();
    let shared = Arc::new(Thread { id, started_by, list: Mutex::default() });
    threads().get_or_insert_default().insert(id, Arc::clone(&shared));
    let own = Own {
        shared,
        row: RefCell::new(RowBox::new()),
        dropped: RefCell::default(),
        resets: Cell::new(RESETS.load(SeqCst)),
    };
    let own = Box::into_raw(Box::new(own));
    CURRENT.with(|current| current.set(own));
    Some(own)
}

fn threads() -> MutexGuard<'static, Option<HashMap<u64, Arc<Thread>>>> {
    // Nothing under this lock panics.
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All threads that have a list now.
pub(crate) fn all() -> Vec<Arc<Thread>> {
    threads().iter().flat_map(HashMap::values).cloned().collect()
}

/// Makes the calling thread, which has just been started, one that `plugin` has started.
pub(crate) fn started_by(plugin: &'static Binary) {
    // A record that is there already is an earlier thread-local access's, and there was none.
    let _current = start(Some(plugin));
}

/// A binary's code is building a value, from before until after.
pub(crate) struct Building {
    own: NonNull<Own>,
    owner: &'static ItemCopy,
}

/// The binary whose code would build a value is being unloaded.
pub(crate) struct Draining;

impl Own {
    /// The value in slot `index` has been dropped while the thread ends.
    pub(crate) fn is_dropped(&self, index: usize) -> bool {
        self.dropped.borrow().binary_search(&index).is_ok()
    }

    /// Adds an entry that is not a value.
    pub(crate) fn add(&self, entry: Entry) {
        self.shared.lock().entries.push(entry);
    }

    /// Whether the thread has an entry for this key of this plugin.
    pub(crate) fn has_key(&self, plugin: &Binary, key: c_uint) -> bool {
        let list = self.shared.lock();
        list.entries
            .iter()
            .chain(&list.last)
            .any(|entry| matches!(entry, Entry::Key(known) if known.key == key && ptr::eq(known.plugin, plugin)))
    }

    /// Runs all entries that `matches`, one by one and last created first: an entry may use what was created before it.
    /// What they create in turn stays.
    pub(crate) fn run_matching(&self, matches: impl Fn(&Entry) -> bool) {
        let (mut entries, mut last) = {
            let list = self.shared.lock();
            (list.entries.len(), list.last.len())
        };
        for part in [Part::First, Part::Keys, Part::Values] {
            loop {
                // Its own statement: the lock must be free when the entry runs.
                let next = self.shared.lock().take(part, &mut entries, &mut last, &matches);
                let Some(entry) = next else { break };
                self.run(entry);
            }
        }
    }

    /// Drops every value of this thread, if everything was reset since it last did.
    pub(crate) fn catch_up_with_resets(&self) {
        let resets = RESETS.load(SeqCst);
        if self.resets.replace(resets) != resets {
            self.run_matching(|entry| matches!(entry, Entry::Value(_)));
        }
    }

    /// Runs one entry that is on no list any more, and whose binary is among the active ones.
    fn run(&self, entry: Entry) {
        let active = active(&entry);
        match entry {
            Entry::Value(value) => {
                self.row.borrow().clear(value.owner.record.index);
                // Relaxed: a count for people.
                value.owner.record.threads.fetch_sub(1, Relaxed);
                // SAFETY: the value was built for this owner; it is in no list and in no slot any more, and whoever had a
                // reference to it has returned: the thread is ending, or it is at a safe point, where its caller says
                // so.
                unsafe { building::destroy(value.owner, value.value) };
            }
            // SAFETY: registered with this object by this thread, and run once.
            Entry::Function(function) => unsafe { (function.function)(function.object) },
            Entry::Key(key) => image::run_key(key.key, key.function),
        }
        if let Some((binary, item)) = active {
            self.shared.deactivate(binary, item);
        }
    }

    /// Runs everything; the record is freed, and the thread is gone.
    fn end(&self) {
        loop {
            let entry = {
                let mut guard = self.shared.lock();
                let list = &mut *guard;
                let mut next = list.entries.pop();
                while let Some(entry) = next.take_if(|entry| entry.part() != Part::First) {
                    list.last.push(entry);
                    next = list.entries.pop();
                }
                if next.is_some() {
                    list.active.extend(next.as_ref().and_then(active));
                    next
                } else {
                    // What is run here may add to the list: only one, and then the list again.
                    let (mut none, mut last) = (0, list.last.len());
                    let key = list.take(Part::Keys, &mut none, &mut last, |_| true);
                    key.or_else(|| list.take(Part::Values, &mut none, &mut last, |_| true))
                }
            };
            let Some(entry) = entry else { break };
            if let Entry::Value(Value { owner, .. }) = &entry {
                let index = owner.record.index;
                let mut dropped = self.dropped.borrow_mut();
                if let Err(position) = dropped.binary_search(&index) {
                    dropped.insert(position, index);
                }
            }
            self.run(entry);
        }
        publish(&raw const row::EMPTY);
        let own = CURRENT.with(|current| current.replace(ptr::null_mut()));
        threads().get_or_insert_default().remove(&self.shared.id);
        progress::made();
        // SAFETY: made by `Box::into_raw` in `start`; nothing refers to it any more but `self`, which is not used below.
        drop(unsafe { Box::from_raw(own) });
    }
}

impl Building {
    /// The code of `owner`'s binary is about to build a value.
    ///
    /// # Safety
    ///
    /// `own` comes from [`current`], and the thread does not end before this is dropped.
    pub(crate) unsafe fn begin(own: NonNull<Own>, owner: &'static ItemCopy) -> Result<Self, Draining> {
        if !owner.binary.is_host {
            // SAFETY: the caller's word.
            let mut list = unsafe { own.as_ref() }.shared.lock();
            // Under the lock: whoever drains the plugin marks it first and looks at this list then, so that either it
            // finds the plugin active, or the mark is found here.
            if owner.binary.is_draining() {
                return Err(Draining);
            }
            list.active.push((owner.binary, Some(owner)));
        }
        Ok(Building { own, owner })
    }

    pub(crate) fn owner(&self) -> &'static ItemCopy {
        self.owner
    }

    /// The value is there.
    #[inline(never)]
    pub(crate) fn finish(self, value: NonNull<u8>, access: &mut Access) -> Status {
        let owner = self.owner;
        // SAFETY: see `begin`.
        let own = unsafe { self.own.as_ref() };
        own.shared.lock().entries.push(Entry::Value(Value { owner, value }));
        access.value = value.as_ptr().cast_const().cast();
        let mut row = own.row.borrow_mut();
        row.set(owner.record.index, access.value.cast());
        publish(row.as_ptr());
        // Relaxed: a count for people.
        owner.record.threads.fetch_add(1, Relaxed);
        abi::OK
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if !self.owner.binary.is_host {
            // SAFETY: see `begin`.
            unsafe { self.own.as_ref() }.shared.deactivate(self.owner.binary, Some(self.owner));
        }
    }
}

/// Shows the row to every binary's hot path on this thread.
fn publish(row: *const row::Row) {
    // SAFETY: the calling thread's cell.
    unsafe { (*row::own::cell()).0.set(row) }
}

/// The calling thread refers to no value: what waits for that is dropped.
///
/// # Safety
///
/// It is so.
pub(crate) unsafe fn safe_point() {
    let current = CURRENT.with(Cell::get);
    // SAFETY: see `current`; it is used in this function only.
    let Some(own) = (unsafe { current.as_ref() }) else { return };
    own.catch_up_with_resets();
    if progress::is_anything_draining() {
        own.run_matching(|entry| entry.binary().is_draining());
    }
}

/// Every thread drops its values at its next safe point; the calling one drops them now.
///
/// # Safety
///
/// The calling thread refers to no value.
pub(crate) unsafe fn reset() {
    RESETS.fetch_add(1, SeqCst);
    // SAFETY: the caller's word.
    unsafe { safe_point() }
}
