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
use std::ffi::c_uint;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::building;
use super::entries::{Entry, List, Part, Task};
use super::image::{self, ThreadHandle};
use super::progress;
use super::registry::{Binary, ItemCopy};
use crate::abi::{self, Access, Status};

/// A thread, as other threads see it.
pub(crate) struct Thread {
    handle: Cell<ThreadHandle>,
    /// The plugin that started it, whose code it runs.
    started_by: Cell<Option<&'static Binary>>,
    /// Where [`THREADS`] has it.
    position: AtomicUsize,
    list: Mutex<List>,
}

impl Thread {
    pub(crate) fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing under this lock panics.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The system's number of the thread.
    pub(crate) fn id(&self) -> u64 {
        // SAFETY: the thread runs while anybody can look at this: see `THREADS`.
        unsafe { self.handle.get().id() }
    }

    /// The thread's name, as the system has it.
    pub(crate) fn name(&self) -> Option<String> {
        image::thread_name(self.id())
    }

    pub(crate) fn started_by(&self) -> Option<&'static Binary> {
        self.started_by.get()
    }
}

/// A thread, as it sees itself.
pub(crate) struct Own {
    shared: Thread,
    /// It is among [`THREADS`].
    running: Cell<bool>,
    /// A bit for each slot whose value has been dropped while the thread ends.
    dropped: RefCell<Vec<u64>>,
    /// [`RESETS`] when this thread last dropped everything.
    resets: Cell<usize>,
}

/// All threads that have something on their list, or had.
///
/// A thread takes itself off this list before it ends, under the lock. So whoever has the lock may look at what is here,
/// at `handle` and `started_by` too, which are written before the thread gets here.
static THREADS: Mutex<Vec<Listed>> = Mutex::new(Vec::new());

/// A thread in its own thread-local storage.
struct Listed(NonNull<Thread>);

// SAFETY: see `THREADS` for whom it may be sent to, and when.
unsafe impl Send for Listed {}

/// How often everything was reset.
static RESETS: AtomicUsize = AtomicUsize::new(0);

// Constant and without a destructor: there from the thread's first instruction to its last.
std::thread_local!(static OWN: ManuallyDrop<Own> = const {
    let shared = Thread {
        handle: Cell::new(ThreadHandle::NONE),
        started_by: Cell::new(None),
        position: AtomicUsize::new(0),
        list: Mutex::new(List::new()),
    };
    ManuallyDrop::new(Own {
        shared,
        running: Cell::new(false),
        dropped: RefCell::new(Vec::new()),
        resets: Cell::new(0),
    })
});
// Its destructor is the end of the thread's list.
std::thread_local!(static GUARD: Guard = const { Guard });

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        OWN.with(|own| own.end());
    }
}

/// Runs `f` with the calling thread's record; `None` if the thread is gone.
pub(crate) fn with_current<R>(f: impl FnOnce(&Own) -> R) -> Option<R> {
    // SAFETY: see `current`; `f` is within it.
    current().map(|own| f(unsafe { own.as_ref() }))
}

/// The calling thread's record; `None` if the thread is gone.
///
/// It may be used on this thread only, and until the caller returns to code that is not this crate's.
#[inline]
pub(crate) fn current() -> Option<NonNull<Own>> {
    OWN.with(|own| (own.running.get() || own.start(None)).then(|| NonNull::from(&**own)))
}

fn threads() -> MutexGuard<'static, Vec<Listed>> {
    // Nothing under this lock panics.
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at all threads that have a list now. None of them ends meanwhile.
pub(crate) fn for_each(mut look: impl FnMut(&Thread)) {
    for thread in &*threads() {
        // SAFETY: see `THREADS`; the lock is held.
        look(unsafe { thread.0.as_ref() });
    }
}

/// Makes the calling thread, which has just been started, one that `plugin` has started.
pub(crate) fn started_by(plugin: &'static Binary) {
    // A record that is there already is an earlier thread-local access's, and there was none.
    OWN.with(|own| own.start(Some(plugin)));
}

/// A binary's code is building a value, from before until after.
#[must_use]
pub(crate) struct Building {
    own: NonNull<Own>,
    owner: &'static ItemCopy,
    entry: Entry,
}

/// The binary whose code would build a value is being unloaded.
pub(crate) struct Draining;

impl Own {
    /// Puts the calling thread among [`THREADS`], unless it is gone.
    #[cold]
    fn start(&self, started_by: Option<&'static Binary>) -> bool {
        // Registers the destructor, unless it has run.
        if GUARD.try_with(|_| ()).is_err() {
            return false;
        }
        self.shared.handle.set(ThreadHandle::current());
        self.shared.started_by.set(started_by);
        self.resets.set(RESETS.load(SeqCst));
        self.running.set(true);
        let mut threads = threads();
        // Relaxed: written and read under the lock.
        self.shared.position.store(threads.len(), Relaxed);
        threads.push(Listed(NonNull::from(&self.shared)));
        true
    }

    /// Takes the calling thread off [`THREADS`].
    fn leave(&self) {
        let mut threads = threads();
        // Relaxed, both: written and read under the lock.
        let position = self.shared.position.load(Relaxed);
        threads.swap_remove(position);
        if let Some(moved) = threads.get(position) {
            // SAFETY: see `THREADS`.
            unsafe { moved.0.as_ref() }.position.store(position, Relaxed);
        }
    }

    /// The value in slot `index` has been dropped while the thread ends.
    pub(crate) fn is_dropped(&self, index: usize) -> bool {
        self.dropped.borrow().get(index / 64).is_some_and(|bits| bits & (1 << (index % 64)) != 0)
    }

    fn set_dropped(&self, index: usize) {
        let mut dropped = self.dropped.borrow_mut();
        if dropped.len() <= index / 64 {
            dropped.resize(index / 64 + 1, 0);
        }
        dropped[index / 64] |= 1 << (index % 64);
    }

    /// Adds an entry that is not a value.
    pub(crate) fn add(&self, entry: Entry) {
        self.shared.lock().add(entry);
    }

    /// Whether the thread has an entry for this key of this plugin.
    pub(crate) fn has_key(&self, plugin: &Binary, key: c_uint) -> bool {
        let list = self.shared.lock();
        let mut tasks = list.waiting().map(Entry::task);
        tasks
            .any(|task| matches!(task, Task::Key { plugin: of, key: known, .. } if known == key && ptr::eq(of, plugin)))
    }

    /// Runs all entries that `matches`, one by one and last created first: an entry may use what was created before it.
    /// What they create in turn stays.
    pub(crate) fn run_matching(&self, matches: impl Fn(Entry) -> bool) {
        let mut lengths = self.shared.lock().lengths();
        for part in Part::ALL {
            self.run_all(|list| list.take(part, &mut lengths[part as usize], &matches));
        }
    }

    /// Drops every value of this thread, if everything was reset since it last did.
    pub(crate) fn catch_up_with_resets(&self) {
        let resets = RESETS.load(SeqCst);
        if self.resets.replace(resets) != resets {
            self.run_matching(|entry| matches!(entry.task(), Task::Value(_)));
        }
    }

    /// Runs one entry after the other, as they come off the list.
    fn run_all(&self, mut next: impl FnMut(&mut List) -> Option<Entry>) {
        loop {
            // Its own statement: the lock must be free when the entry runs.
            let next = next(&mut self.shared.lock());
            let Some(entry) = next else { break };
            // The owner may go away once the entry is on the list no more.
            let (of_host, memory) = (entry.binary().is_host, entry.memory());
            match entry.task() {
                // SAFETY: the value was built for this owner; it is in no slot any more, and whoever had a reference to it
                // has returned: the thread is ending, or it is at a safe point, where its caller says so.
                Task::Value(owner) => unsafe { building::drop_value(owner, entry) },
                // SAFETY: registered with this object by this thread, and run once.
                Task::Function { function, object, .. } => unsafe { function(object) },
                Task::Key { key, function, .. } => image::run_key(key, function),
            }
            if !of_host {
                self.shared.lock().deactivate(entry);
                progress::made();
            }
            // SAFETY: it is on the list no more, and has been run.
            unsafe { building::free(memory) };
        }
    }

    /// Runs everything; the thread is gone then.
    fn end(&self) {
        self.run_all(|list| {
            // What was run may have created anything.
            let newest = |part| list.take(part, &mut { usize::MAX }, |_| true);
            let entry = Part::ALL.into_iter().find_map(newest)?;
            if let Task::Value(owner) = entry.task() {
                self.set_dropped(owner.slot());
            }
            Some(entry)
        });
        self.shared.lock().slots.end();
        self.leave();
        self.running.set(false);
        self.dropped.take();
        progress::made();
    }
}

impl Building {
    /// The code of `owner`'s binary is about to build a value.
    ///
    /// # Safety
    ///
    /// `own` comes from [`current`], and the thread does not end before this is finished.
    pub(crate) unsafe fn begin(own: NonNull<Own>, owner: &'static ItemCopy) -> Result<Self, Draining> {
        let entry = building::allocate(owner);
        if !owner.binary.is_host {
            // SAFETY: the caller's word.
            let mut list = unsafe { own.as_ref() }.shared.lock();
            // Under the lock: whoever drains the plugin marks it first and looks at this list then, so that either it
            // finds the plugin active, or the mark is found here.
            if owner.binary.is_draining() {
                // SAFETY: it is without a value, and on no list.
                unsafe { building::free(entry.memory()) };
                return Err(Draining);
            }
            list.activate(entry);
        }
        Ok(Building { own, owner, entry })
    }

    /// Where the value is to be built, and whose code does it.
    pub(crate) fn place(&self) -> (&'static ItemCopy, Entry) {
        (self.owner, self.entry)
    }

    /// The value is there, or will not be.
    #[inline(never)]
    pub(crate) fn finish(self, status: Status, access: &mut Access) {
        let Building { own, owner, entry } = self;
        // The owner may go away once it is not active any more.
        let of_host = owner.binary.is_host;
        {
            // SAFETY: see `begin`.
            let mut list = unsafe { own.as_ref() }.shared.lock();
            list.deactivate(entry);
            if status == abi::OK {
                access.value = entry.value(owner).as_ptr().cast_const().cast();
                list.add(entry);
                list.slots.set(owner.slot(), access.value.cast());
            } else {
                // SAFETY: it is without a value, and on no list.
                unsafe { building::free(entry.memory()) };
            }
        }
        if !of_host {
            progress::made();
        }
    }
}

/// The calling thread refers to no value: what waits for that is dropped.
///
/// # Safety
///
/// It is so.
pub(crate) unsafe fn safe_point() {
    OWN.with(|own| {
        if !own.running.get() {
            return;
        }
        own.catch_up_with_resets();
        if progress::is_anything_draining() {
            own.run_matching(|entry| entry.binary().is_draining());
        }
    });
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
