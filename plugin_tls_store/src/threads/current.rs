//! A thread's record, as the thread itself and as others see it.
//!
//! ```text
//! no record ──first access──► running ──its destructors run──► ending ──all gone──► gone
//!                                │                               │
//!        values are built on demand,             each task is taken off the list and run, last
//!        safe points take tasks off              created first; that may create new ones
//! ```
//!
//! Values without a destructor go last, and so do keys: destructors may use them to the end.
//!
//! # Orderings
//!
//! - `Threads::resets`: Relaxed. A thread that was told of a reset by other means than this counter, such as a channel, sees
//!   the new number at its next safe point, because a later read of one atomic never finds an older value.
//! - `Thread::position`: Relaxed, since it is read and written under the lock of the list of threads.

use std::cell::{Cell, RefCell};
use std::ffi::c_uint;
use std::ptr::{self, NonNull};
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use plugin_tls_abi::sync::Mutex;
use plugin_tls_abi::sys::thread::{self, ThreadHandle};
use plugin_tls_abi::table::{Access, OK, Status};

use super::list::{Active, List, Part, Room, Task, TaskKind, TaskRef};
use crate::progress::Progress;
use crate::records::{Binary, ItemCopy};
use crate::slots::SlotLocals;

/// A thread, as other threads see it.
#[derive(Debug)]
pub struct Thread {
    handle: Cell<ThreadHandle>,
    /// The plugin that started it, whose code it runs.
    started_by: Cell<Option<&'static Binary>>,
    /// Where [`Threads`] has it.
    position: AtomicUsize,
    list: Mutex<List>,
}

impl Thread {
    /// The system's number of the thread.
    pub fn id(&self) -> u64 {
        // SAFETY: other threads get to see a thread while it is listed, and it takes itself off the list before it ends.
        unsafe { self.handle.get().id() }
    }

    /// The thread's name, as the system has it.
    pub fn name(&self) -> Option<String> {
        thread::name(self.id())
    }

    /// The plugin that started the thread.
    pub fn started_by(&self) -> Option<&'static Binary> {
        self.started_by.get()
    }

    /// Looks at the tasks that wait.
    pub fn for_each_waiting(&self, look: impl FnMut(TaskRef<'_>)) {
        self.list.lock().waiting().for_each(look);
    }

    /// Looks at what plugins are building or running.
    pub fn for_each_active(&self, look: impl FnMut(TaskRef<'_>)) {
        self.list.lock().active().for_each(look);
    }
}

/// A thread, as it sees itself.
#[derive(Debug)]
pub(crate) struct CurrentThread {
    shared: Thread,
    /// The list of threads that it is on, while it runs.
    threads: Cell<Option<&'static Threads>>,
    /// A bit for each slot whose value has been dropped while the thread ends.
    dropped: RefCell<Vec<u64>>,
    /// [`Threads::resets`] when this thread last dropped everything.
    resets: Cell<usize>,
}

/// A store's way to its thread-locals for threads.
#[derive(Debug)]
pub(crate) struct ThreadLocals {
    current: fn() -> *const CurrentThread,
    /// Sees to it that [`CurrentThread::end`] is called when the thread ends. False if it has been called.
    arm: fn() -> bool,
}

impl ThreadLocals {
    /// # Safety
    ///
    /// - `current` returns the address of a thread-local of the calling thread, which is constant and has no destructor, so
    ///   that it is there until the thread's last instruction.
    /// - `arm` is as the field says.
    pub(crate) const unsafe fn new(current: fn() -> *const CurrentThread, arm: fn() -> bool) -> Self {
        ThreadLocals { current, arm }
    }
}

/// All threads that have something on their list, or had.
#[derive(Debug)]
pub struct Threads {
    /// A thread takes itself off this list, under its lock, before it ends. So code that has the lock may look at what is
    /// here, at `handle` and `started_by` too, which are written before the thread gets here.
    listed: Mutex<Vec<Listed>>,
    /// How often everything was reset.
    resets: AtomicUsize,
    locals: &'static ThreadLocals,
    pub(crate) slots: &'static SlotLocals,
    pub progress: Progress,
}

/// A thread in its own thread-local storage.
#[derive(Debug)]
struct Listed(NonNull<Thread>);

// SAFETY: only who has the lock of the list that it is on looks at the thread, and the thread is there then.
unsafe impl Send for Listed {}

impl Threads {
    pub(crate) const fn new(locals: &'static ThreadLocals, slots: &'static SlotLocals) -> Self {
        Threads {
            listed: Mutex::new(Vec::new()),
            resets: AtomicUsize::new(0),
            locals,
            slots,
            progress: Progress::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listed>> {
        self.listed.lock()
    }

    /// Looks at all threads that have a list now. None of them ends meanwhile.
    pub fn for_each(&self, mut look: impl FnMut(&Thread)) {
        for thread in &*self.lock() {
            // SAFETY: the lock is held, so the thread is listed and does not end.
            look(unsafe { thread.0.as_ref() });
        }
    }

    /// The calling thread's record, also if the thread is gone.
    fn record(&self) -> NonNull<CurrentThread> {
        let current = (self.locals.current)().cast_mut();
        NonNull::new(current).expect("a thread-local has an address")
    }

    /// Runs `f` with the calling thread's record; `None` if the thread is gone.
    pub(crate) fn with_current<R>(&'static self, f: impl FnOnce(&CurrentThread) -> R) -> Option<R> {
        // SAFETY: the record is there until the thread's last instruction, and this call is on its thread.
        self.current().map(|current| f(unsafe { current.as_ref() }))
    }

    /// The calling thread's record; `None` if the thread is gone.
    ///
    /// It may be used on this thread only.
    #[inline]
    pub(crate) fn current(&'static self) -> Option<NonNull<CurrentThread>> {
        let record = self.record();
        // SAFETY: the record is there until the thread's last instruction, and this call is on its thread.
        let current = unsafe { record.as_ref() };
        (current.threads.get().is_some() || self.start(current, None)).then_some(record)
    }

    /// Makes the calling thread, which has just been started, one that `plugin` has started.
    pub(crate) fn set_started_by(&'static self, plugin: &'static Binary) {
        // SAFETY: the record is there until the thread's last instruction, and this call is on its thread.
        self.start(unsafe { self.record().as_ref() }, Some(plugin));
    }

    /// Lists the calling thread, unless it is gone.
    #[cold]
    fn start(&'static self, current: &CurrentThread, started_by: Option<&'static Binary>) -> bool {
        if !(self.locals.arm)() {
            return false;
        }
        current.shared.handle.set(ThreadHandle::current());
        current.shared.started_by.set(started_by);
        current.resets.set(self.resets.load(Relaxed));
        current.threads.set(Some(self));
        let mut listed = self.lock();
        current.shared.position.store(listed.len(), Relaxed);
        listed.push(Listed(NonNull::from(&current.shared)));
        true
    }

    /// Drops what waits for the calling thread to refer to no value.
    ///
    /// # Safety
    ///
    /// The calling thread holds no reference into the store.
    pub unsafe fn safe_point(&'static self) {
        // SAFETY: the record is there until the thread's last instruction, and this call is on its thread.
        let current = unsafe { self.record().as_ref() };
        if current.threads.get().is_none() {
            return;
        }
        let resets = self.resets.load(Relaxed);
        if current.resets.replace(resets) != resets {
            // SAFETY: the caller guarantees that the thread refers to no value.
            unsafe { current.run_matching(|task| matches!(task.kind(), TaskKind::Value(_))) };
        }
        if self.progress.is_anything_draining() {
            // SAFETY: the caller guarantees that the thread refers to no value.
            unsafe { current.run_matching(|task| task.kind().binary().is_draining()) };
        }
    }

    /// Makes every thread drop its values at its next safe point. The calling one drops them now.
    ///
    /// # Safety
    ///
    /// The calling thread holds no reference into the store.
    pub(crate) unsafe fn reset(&'static self) {
        self.resets.fetch_add(1, Relaxed);
        // SAFETY: the caller guarantees what a safe point asks.
        unsafe { self.safe_point() }
    }
}

impl CurrentThread {
    pub(crate) const fn new() -> Self {
        CurrentThread {
            shared: Thread {
                handle: Cell::new(ThreadHandle::NONE),
                started_by: Cell::new(None),
                position: AtomicUsize::new(0),
                list: Mutex::new(List::new()),
            },
            threads: Cell::new(None),
            dropped: RefCell::new(Vec::new()),
            resets: Cell::new(0),
        }
    }

    /// Whether the value in slot `index` has been dropped while the thread ends.
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

    /// Adds a task that is not a value.
    pub(crate) fn add(&self, task: Task) {
        self.shared.list.lock().add(task);
    }

    /// Whether the thread has a task for this key of this plugin.
    pub(crate) fn has_key(&self, plugin: &Binary, key: c_uint) -> bool {
        let list = self.shared.list.lock();
        let is_it =
            |kind| matches!(kind, TaskKind::Key { plugin: of, key: known, .. } if known == key && ptr::eq(of, plugin));
        list.waiting().any(|task| is_it(task.kind()))
    }

    /// Runs all tasks that `matches`, one by one and last created first: a task may use what was created before it. What
    /// they create in turn stays.
    ///
    /// # Safety
    ///
    /// The thread refers to none of the values that match.
    pub(crate) unsafe fn run_matching(&self, matches: impl Fn(TaskRef<'_>) -> bool) {
        let Some(threads) = self.threads.get() else { return };
        let mut lengths = self.shared.list.lock().lengths();
        for part in Part::ALL {
            // SAFETY: the caller guarantees that the thread refers to none of these values.
            unsafe {
                self.run_all(threads, |list| list.take(threads.slots, part, &mut lengths[part as usize], &matches));
            }
        }
    }

    /// Runs one task after the other, as they come off the list.
    ///
    /// # Safety
    ///
    /// The thread refers to none of the values that `next` returns.
    unsafe fn run_all(&self, threads: &Threads, mut next: impl FnMut(&mut List) -> Option<Active<Task>>) {
        loop {
            // A statement of its own, so that the lock is free when the task runs.
            let next = next(&mut self.shared.list.lock());
            let Some(task) = next else { break };
            let of_host = task.kind().binary().is_host;
            // SAFETY:
            // - The list is this thread's, and the task is active on it. It was taken off those that wait, so that it is run
            //   once.
            // - Its value is in no slot any more, and the caller guarantees that the thread refers to it no more.
            unsafe {
                task.run();
                task.retire(&self.shared.list);
            }
            if !of_host {
                threads.progress.made();
            }
        }
    }

    /// Runs everything. The thread is gone then.
    pub(crate) fn end(&self) {
        let Some(threads) = self.threads.get() else { return };
        let slots = threads.slots;
        // SAFETY: this is called from a destructor at the thread's end, so that no `with` is running on the thread.
        unsafe {
            self.run_all(threads, |list| {
                // What was run may have created anything.
                let newest = |part| list.take(slots, part, &mut { usize::MAX }, |_| true);
                let task = Part::ALL.into_iter().find_map(newest)?;
                if let TaskKind::Value(owner) = task.kind() {
                    self.set_dropped(owner.slot());
                }
                Some(task)
            });
        }
        self.shared.list.lock().slots.free(slots);
        self.leave(threads);
        self.threads.set(None);
        self.dropped.take();
        threads.progress.made();
    }

    /// Takes the thread off the list of threads.
    fn leave(&self, threads: &Threads) {
        let mut listed = threads.lock();
        let position = self.shared.position.load(Relaxed);
        listed.swap_remove(position);
        if let Some(moved) = listed.get(position) {
            // SAFETY: the lock is held, so the thread is listed and does not end.
            unsafe { moved.0.as_ref() }.position.store(position, Relaxed);
        }
    }
}

/// A value that a binary's code is building for a thread, from before until after.
#[must_use]
pub(crate) struct PendingValue {
    current: NonNull<CurrentThread>,
    threads: &'static Threads,
    room: Active<Room>,
}

/// The binary whose code would build a value is being unloaded.
pub(crate) struct Draining;

impl PendingValue {
    /// The code of `owner`'s binary is about to build a value for the calling thread.
    ///
    /// # Safety
    ///
    /// `current` is the calling thread's record in `threads`, and the value is settled before the thread ends.
    pub(crate) unsafe fn begin(
        threads: &'static Threads,
        current: NonNull<CurrentThread>,
        owner: &'static ItemCopy,
    ) -> Result<Self, Draining> {
        let room = Room::new(owner);
        if owner.binary.is_host {
            return Ok(PendingValue { current, threads, room: Active::of_host(room) });
        }
        // SAFETY: the caller guarantees that it is the calling thread's record, which is there until the thread ends.
        let mut list = unsafe { current.as_ref() }.shared.list.lock();
        // Under the lock: who drains the plugin marks it first and looks at this list then. Either the look finds the plugin
        // active, or the mark is found here.
        if owner.binary.is_draining() {
            drop(room);
            return Err(Draining);
        }
        let room = list.begin(room);
        drop(list);
        Ok(PendingValue { current, threads, room })
    }

    /// Where the value is to be built.
    pub(crate) fn place(&self) -> (&'static ItemCopy, NonNull<u8>) {
        (self.room.owner(), self.room.value())
    }

    /// Stores the value in its slot, or frees its room, if there is none.
    ///
    /// # Safety
    ///
    /// With the status [`OK`], a value of the owner's type has been built in the [`place`](Self::place).
    #[inline(never)]
    pub(crate) unsafe fn settle(self, status: Status, access: &mut Access) {
        let PendingValue { current, threads, room } = self;
        let owner = room.owner();
        // The owner may go away once it is not active any more.
        let of_host = owner.binary.is_host;
        {
            // SAFETY: `begin`'s caller guarantees that the record is the calling thread's, which has not ended.
            let mut list = unsafe { current.as_ref() }.shared.list.lock();
            // SAFETY: `begin` made it active on this list.
            let room = unsafe { list.end(room) };
            if status == OK {
                access.value = room.value().as_ptr().cast_const().cast();
                // SAFETY: the caller guarantees that the value has been built.
                list.add(unsafe { room.assume_built() });
                list.slots.set(threads.slots, owner.slot(), access.value.cast());
            }
        }
        if !of_host {
            threads.progress.made();
        }
    }
}
