//! Process-wide values.
//!
//! ```text
//!             ┌── panics ──► poisoned
//! empty ──► running ──► live
//!             ▲
//!             └── other threads wait, unless the builder waits for them in turn: a cycle, told to who closes it
//! ```
//!
//! # Orderings
//!
//! `sequence` is Relaxed: its numbers only have to grow, and later values are built after earlier ones are published by a
//! lock.

use std::alloc::Layout;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::ptr;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use plugin_tls_abi::sync::Mutex;
use plugin_tls_abi::table::{Access, DRAINING, OK, POISONED, RECURSION, Status};

use super::running;
use crate::memory::Allocation;
use crate::progress::Progress;
use crate::records::{Binary, ItemCopy, ProcessInner, ProcessState, Record, ThreadToken};
use crate::registry::Registry;

/// What the process-wide values of a store have in common.
#[derive(Debug)]
pub(crate) struct ProcessValues {
    /// Which thread waits for which item. This lock comes before that of an item.
    waiting: Mutex<Waiting>,
    /// The number of the next value.
    sequence: AtomicU64,
}

type Waiting = HashMap<ThreadToken, &'static Record, BuildHasherDefault<DefaultHasher>>;

/// What there is of a process-wide value, for people.
#[derive(Clone, Copy, Debug)]
pub enum ProcessView {
    Empty,
    /// An initializer of this copy's binary runs.
    Running(&'static ItemCopy),
    /// This copy's binary has built the value.
    Live(&'static ItemCopy),
    /// An initializer of this copy's binary has panicked.
    Poisoned(&'static ItemCopy),
}

impl Record {
    /// What there is of the value now.
    pub fn process_view(&self) -> ProcessView {
        match &self.process.inner.lock().state {
            ProcessState::Empty => ProcessView::Empty,
            ProcessState::Running { owner, .. } => ProcessView::Running(owner),
            ProcessState::Live { owner, .. } => ProcessView::Live(owner),
            ProcessState::Poisoned { owner } => ProcessView::Poisoned(owner),
        }
    }

    /// Shows `look` the value, if there is one, and its owner. The value is not dropped meanwhile.
    pub(crate) fn with_process_value(&self, look: impl FnOnce(&'static ItemCopy, *const u8)) {
        if let ProcessState::Live { owner, value, .. } = &self.process.inner.lock().state {
            look(owner, value.start().as_ptr());
        }
    }
}

impl ProcessValues {
    pub(crate) const fn new() -> Self {
        let waiting = HashMap::with_hasher(BuildHasherDefault::new());
        ProcessValues { waiting: Mutex::new(waiting), sequence: AtomicU64::new(0) }
    }

    /// The process's value: the one that is there, or a new one.
    ///
    /// # Safety
    ///
    /// The access is valid: its handle was given out by this store for a process-wide item, and its `build` builds a value
    /// of that item.
    pub(crate) unsafe fn find_or_build(&self, progress: &Progress, access: &mut Access) -> Status {
        // SAFETY: the caller guarantees that the handle was given out by this store. The accessor's code runs, so its binary
        // is registered.
        let copy = unsafe { running::copy_of(access.item) };
        let record = copy.record;
        let me = ThreadToken::current();
        loop {
            let mut inner = record.process.inner.lock();
            match &inner.state {
                ProcessState::Live { value, .. } => {
                    // Under the lock, so that no copy can miss it if the value is taken away.
                    let value = value.start().as_ptr();
                    copy.publish(value.cast());
                    access.value = value.cast_const().cast();
                    return OK;
                }
                ProcessState::Poisoned { .. } => {
                    drop(inner);
                    return refuse_poisoned(record, access);
                }
                ProcessState::Running { thread, .. } if *thread == me => {
                    drop(inner);
                    return running::refuse_recursion(record, access);
                }
                ProcessState::Running { .. } => {
                    drop(inner);
                    if let Err(chain) = self.wait(record, me) {
                        return running::refuse(access, RECURSION, &chain);
                    }
                }
                ProcessState::Empty => {
                    let owner = copy.owner();
                    // Under the lock: who drains the plugin marks it first and looks at this state then.
                    if owner.binary.is_draining() {
                        return DRAINING;
                    }
                    inner.state = ProcessState::Running { thread: me, owner };
                    drop(inner);
                    // SAFETY: the caller guarantees that the access is valid, and the state says that this thread builds.
                    return unsafe { self.build(progress, owner, copy, access) };
                }
            }
        }
    }

    /// Builds the value, and says so.
    ///
    /// # Safety
    ///
    /// The access is valid, `copy` is the access's copy and `owner` its owner, and the state says that this thread builds.
    unsafe fn build(
        &self,
        progress: &Progress,
        owner: &'static ItemCopy,
        copy: &'static ItemCopy,
        access: &mut Access,
    ) -> Status {
        // Once the value is there, the owner may go away.
        let of_host = owner.binary.is_host;
        let layout = Layout::from_size_align(owner.facts.size, owner.facts.align);
        let value = Allocation::new(layout.expect("size and alignment come from a type"));
        // SAFETY: the memory is for a value of the owner's type, and the caller guarantees the rest.
        let status = unsafe { running::run(owner, value.start(), access) };
        let mut inner = copy.record.process.inner.lock();
        let waited_for = inner.waited_for;
        if waited_for {
            drop(inner);
            inner = self.clear_waiters(copy.record);
        }
        inner.state = if status == OK {
            access.value = value.start().as_ptr().cast_const().cast();
            copy.publish(value.start().as_ptr().cast());
            ProcessState::Live { owner, value, sequence: self.sequence.fetch_add(1, Relaxed) }
        } else {
            ProcessState::Poisoned { owner }
        };
        drop(inner);
        if waited_for {
            copy.record.process.done.notify_all();
        }
        if !of_host {
            progress.made();
        }
        status
    }

    /// Clears the waiters and returns the item's lock, still held, so that none can arrive before the state changes.
    #[cold]
    fn clear_waiters(&self, record: &'static Record) -> MutexGuard<'static, ProcessInner> {
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, waited_for| !ptr::eq(*waited_for, record));
        let mut inner = record.process.inner.lock();
        inner.waited_for = false;
        inner
    }

    /// Waits until the initializer of `record` has ended, or shorter. If its thread waits for `me`, directly or through
    /// others: the chain.
    fn wait(&self, record: &'static Record, me: ThreadToken) -> Result<(), String> {
        let mut waiting = self.waiting.lock();
        if let Some(chain) = cycle(record, me, &waiting) {
            return Err(chain);
        }
        let mut inner = record.process.inner.lock();
        if !matches!(inner.state, ProcessState::Running { .. }) {
            return Ok(());
        }
        inner.waited_for = true;
        waiting.insert(me, record);
        drop(waiting);
        // Once: by now another thread may run the initializer again, and who waits for whom must be looked at again.
        drop(record.process.done.wait(inner));
        Ok(())
    }

    /// Drops the values that `plugin` owns, or all, one by one and last created first: a destructor may use what was
    /// created before. Each is taken away from all binaries first. Where an initializer has panicked, that is cleared.
    ///
    /// # Safety
    ///
    /// No thread refers to the values, and they may be dropped on this one.
    pub(crate) unsafe fn drop_values(&self, registry: &Registry, plugin: Option<&'static Binary>) {
        let matches = |owner: &ItemCopy| plugin.is_none_or(|plugin| ptr::eq(owner.binary, plugin));
        let mut found: Vec<(u64, &'static Record)> = Vec::new();
        registry.read(|registered| {
            registered.for_each_record(plugin, |record| {
                let mut inner = record.process.inner.lock();
                match &inner.state {
                    ProcessState::Live { owner, sequence, .. } if matches(owner) => found.push((*sequence, record)),
                    ProcessState::Poisoned { owner } if matches(owner) => inner.state = ProcessState::Empty,
                    _ => {}
                }
            });
        });
        found.sort_by_key(|(sequence, _)| *sequence);
        for (sequence, record) in found.into_iter().rev() {
            let Some((owner, value)) = take(registry, record, sequence) else { continue };
            if let Some(drop_value) = owner.drop {
                // SAFETY: the value was built for this owner. No binary finds it any more, and the caller guarantees that no
                // thread refers to it and that it may be dropped here.
                unsafe { drop_value(value.start().as_ptr(), owner.item) };
            }
        }
    }
}

/// Takes the value with this number away from all binaries, if it is still there.
fn take(registry: &Registry, record: &'static Record, number: u64) -> Option<(&'static ItemCopy, Allocation)> {
    registry.read(|registered| {
        let mut inner = record.process.inner.lock();
        if !matches!(&inner.state, ProcessState::Live { sequence, .. } if *sequence == number) {
            return None;
        }
        registered.copies_of(record).for_each(|copy| copy.publish(ptr::null_mut()));
        match std::mem::take(&mut inner.state) {
            ProcessState::Live { owner, value, .. } => Some((owner, value)),
            _ => None,
        }
    })
}

/// Follows who builds what and waits for what, from `record` on. Exact, since no thread starts to wait meanwhile: the
/// caller holds the lock of `waiting`.
fn cycle(record: &'static Record, me: ThreadToken, waiting: &Waiting) -> Option<String> {
    let mut chain = vec![record];
    let mut next = record;
    loop {
        let ProcessState::Running { thread, .. } = next.process.inner.lock().state else { return None };
        if thread == me {
            let names: Vec<_> = chain.iter().map(|record| format!("`{}`", record.identity)).collect();
            return Some(format!(
                "the initializers of items that different threads build need each other: {} -> `{}`; each thread waits \
                 for the next item",
                names.join(" -> "),
                record.identity
            ));
        }
        next = waiting.get(&thread)?;
        chain.push(next);
    }
}

#[cold]
#[inline(never)]
fn refuse_poisoned(record: &Record, access: &Access) -> Status {
    let item = record.identity;
    let message = format!("`{item}` is poisoned: its initializer panicked earlier, and that panic says why");
    running::refuse(access, POISONED, &message)
}
