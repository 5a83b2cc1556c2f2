//! What each thread has: values, and what else must happen before it ends.
//!
//! ```text
//! no record ──first access──► running ──its destructors run──► ending ──all gone──► gone
//!                                │                               │
//!        values are built on demand,             each entry is taken off the list and run, last
//!        safe points take entries off            created first; that may create new ones
//! ```
//!
//! A thread's list belongs to the thread: it alone adds entries and runs them. Others look at it, under its lock, to find
//! out whether a plugin is still needed. So an entry is on the list, or among the thread's *active* binaries, from before
//! the plugin's code starts to build a value until after the plugin's code has dropped it.
//!
//! Values without a destructor go last, and so do keys: destructors may use them to the end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_uint, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::building;
use super::image;
use super::registry::{Binary, ItemCopy};
use crate::abi::{self, Access, AtExit, Status};
use crate::row::{self, RowBox};

/// Something that a thread has to do before it ends, or before the owner's code goes away.
pub(crate) enum Entry {
    /// Drop a value.
    Value(Value),
    /// Call a function that the plugin's own std has registered.
    Function(Box<Function>),
    /// Call the destructor of a key that the plugin's own std has made, if the thread has a value for it.
    Key(Box<Key>),
}

/// A value of a thread.
pub(crate) struct Value {
    pub(crate) owner: &'static ItemCopy,
    pub(crate) value: NonNull<u8>,
}

pub(crate) struct Function {
    pub(crate) plugin: &'static Binary,
    pub(crate) function: AtExit,
    pub(crate) object: *mut c_void,
}

pub(crate) struct Key {
    pub(crate) plugin: &'static Binary,
    pub(crate) key: c_uint,
    pub(crate) function: AtExit,
}

// SAFETY: entries are run by the thread that made them only; other threads compare owners and read addresses.
unsafe impl Send for Entry {}

impl Entry {
    /// The binary whose code the entry needs.
    pub(crate) fn binary(&self) -> &'static Binary {
        match self {
            Entry::Value(value) => value.owner.binary,
            Entry::Function(function) => function.plugin,
            Entry::Key(key) => key.plugin,
        }
    }

    fn part(&self) -> Part {
        match self {
            Entry::Value(value) if value.owner.drop.is_none() => Part::Values,
            Entry::Value(_) | Entry::Function(_) => Part::First,
            Entry::Key(_) => Part::Keys,
        }
    }
}

/// A thread, as other threads see it.
pub(crate) struct Thread {
    /// The system's number of the thread.
    pub(crate) id: u64,
    /// The plugin that started it, whose code it runs.
    pub(crate) started_by: Option<&'static Binary>,
    list: Mutex<List>,
}

#[derive(Default)]
pub(crate) struct List {
    /// In the order of their creation.
    pub(crate) entries: Vec<Entry>,
    /// Of an ending thread: what is to be run after everything else.
    pub(crate) last: Vec<Entry>,
    /// Plugins whose code builds or drops something of this thread right now, with the item if it is one.
    pub(crate) active: Vec<(&'static Binary, Option<&'static ItemCopy>)>,
}

/// In which order entries are run: each part last created first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Values with a destructor, and functions.
    First,
    Keys,
    /// Values without a destructor.
    Values,
}

impl List {
    /// Takes the newest entry of `part` that `matches` off the list, among the first `entries` and `last`, which is as
    /// far as the list went before anything was run. It counts as active from now on.
    fn take(
        &mut self,
        part: Part,
        entries: &mut usize,
        last: &mut usize,
        matches: impl Fn(&Entry) -> bool,
    ) -> Option<Entry> {
        let newest = |list: &[Entry]| list.iter().rposition(|entry| entry.part() == part && matches(entry));
        let entry = if let Some(position) = newest(&self.entries[..*entries]) {
            *entries -= 1;
            self.entries.remove(position)
        } else {
            let position = newest(&self.last[..*last])?;
            *last -= 1;
            self.last.remove(position)
        };
        self.active.extend(active(&entry));
        Some(entry)
    }
}

impl Thread {
    pub(crate) fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing under this lock panics.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
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

/// How many plugins are being unloaded: while there are none, safe points have nothing to look for.
static DRAINING: AtomicUsize = AtomicUsize::new(0);

/// How often everything was reset.
static RESETS: AtomicUsize = AtomicUsize::new(0);

/// Counts what a plugin that is being unloaded may wait for.
static PROGRESS: (Mutex<u64>, Condvar) = (Mutex::new(0), Condvar::new());

// Constant and without a destructor: null before the thread's first access and after its end.
std::thread_local!(static CURRENT: Cell<*mut Own> = const { Cell::new(ptr::null_mut()) });
// Its destructor is the end of the thread's list.
std::thread_local!(static GUARD: Guard = const { Guard });

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let thread = CURRENT.with(Cell::get);
        // SAFETY: neither null nor gone, since `start` makes the thread's record right after the guard, and only this
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
            let mut list = self.shared.lock();
            let position = list.active.iter().rposition(|(active, active_item)| {
                ptr::eq(*active, binary) && active_item.map(ptr::from_ref) == item.map(ptr::from_ref)
            });
            if let Some(position) = position {
                list.active.remove(position);
            }
            drop(list);
            progress();
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
        progress();
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
            let mut list = unsafe { self.own.as_ref() }.shared.lock();
            // Initializers nest, so that the last one of this item is this one.
            let position = list.active.iter().rposition(|(_, item)| item.is_some_and(|item| ptr::eq(item, self.owner)));
            if let Some(position) = position {
                list.active.remove(position);
            }
            drop(list);
            progress();
        }
    }
}

/// What the list of active binaries has for an entry that is about to be run.
fn active(entry: &Entry) -> Option<(&'static Binary, Option<&'static ItemCopy>)> {
    let binary = entry.binary();
    let item = if let Entry::Value(value) = entry { Some(value.owner) } else { None };
    (!binary.is_host).then_some((binary, item))
}

/// Shows the row to every binary's hot path on this thread.
fn publish(row: *const row::Row) {
    // SAFETY: the calling thread's cell.
    unsafe { (*row::own::cell()).0.set(row) }
}

/// A plugin that is being unloaded might be free now.
pub(crate) fn progress() {
    // SeqCst: ordered with `begin_draining`, so that whoever waits is woken by all that follows it.
    if DRAINING.load(SeqCst) != 0 {
        *PROGRESS.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        PROGRESS.1.notify_all();
    }
}

/// How much progress there has been.
pub(crate) fn progress_so_far() -> u64 {
    *PROGRESS.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until there is more progress than `before`, or until `deadline` (`None`: for good).
pub(crate) fn wait_for_progress(before: u64, deadline: Option<Instant>) {
    let mut now = PROGRESS.0.lock().unwrap_or_else(PoisonError::into_inner);
    while *now == before {
        // No longer than this at once: a thread that ends without a word to the store makes no progress here.
        let most = Duration::from_millis(100);
        let left = deadline.map_or(most, |deadline| deadline.saturating_duration_since(Instant::now()).min(most));
        let (guard, timeout) = PROGRESS.1.wait_timeout(now, left).unwrap_or_else(PoisonError::into_inner);
        now = guard;
        if timeout.timed_out() {
            return;
        }
    }
}

/// Safe points have something to look for from now on.
pub(crate) fn begin_draining() {
    DRAINING.fetch_add(1, SeqCst);
}

/// The reverse of [`begin_draining`].
pub(crate) fn end_draining() {
    DRAINING.fetch_sub(1, SeqCst);
}

/// The calling thread refers to no value: what waits for that is dropped.
///
/// # Safety
///
/// It is so.
pub(crate) unsafe fn safe_point() {
    let current = CURRENT.with(Cell::get);
    // SAFETY: as in `with_current`.
    let Some(own) = (unsafe { current.as_ref() }) else { return };
    own.catch_up_with_resets();
    if DRAINING.load(SeqCst) != 0 {
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
