//! Process-wide values.
//!
//! ```text
//!             ┌── panics ──► poisoned
//! empty ──► building ──► live
//!             ▲
//!             └── other threads wait, unless the builder waits for them in turn: a cycle, told to whoever closes it
//! ```

use std::collections::HashMap;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::building::{self, ThreadToken, copy_of};
use super::entries::Entry;
use super::progress;
#[cfg(feature = "host")]
use super::registry::{Binary, Registry};
use super::registry::{ItemCopy, Record};
use crate::abi::{self, Access, Status};

/// The value of an item.
#[derive(Debug, Default)]
pub(crate) struct Process {
    inner: Mutex<Inner>,
    /// Notified when the state leaves `Building`.
    built: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    /// Somebody waits for the state to leave `Building`: waking nobody would cost a call of the system.
    waited_for: bool,
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum State {
    #[default]
    Empty,
    Building(ThreadToken, &'static ItemCopy),
    Live {
        owner: &'static ItemCopy,
        value: Value,
        /// Later values have larger numbers.
        sequence: u64,
    },
    /// The code of this copy's binary has panicked.
    Poisoned(&'static ItemCopy),
}

/// A value, and its memory.
#[derive(Clone, Copy)]
pub(crate) struct Value(Entry);

impl Value {
    pub(crate) fn address(self, owner: &ItemCopy) -> *mut u8 {
        self.0.value(owner).as_ptr()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value")
    }
}

// SAFETY: an address; the value is `Sync`, as `lazy_static!` demands, and whoever has it dropped on another thread
// vouches for that (`Plugin::unload`, `Context::reset`).
unsafe impl Send for Value {}

/// Which thread waits for which item.
static WAITING: Mutex<Option<HashMap<ThreadToken, &'static Record>>> = Mutex::new(None);

fn waiting() -> MutexGuard<'static, Option<HashMap<ThreadToken, &'static Record>>> {
    // Nothing under this lock panics.
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Process {
    /// Nothing under the lock panics.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "host")]
    pub(crate) fn state(&self) -> State {
        self.lock().state
    }
}

/// The process's value: the one that is there, or a new one.
pub(crate) fn find_or_build(access: &mut Access) -> Status {
    // SAFETY: the accessor's handle.
    let copy = unsafe { copy_of(access.item) };
    let record = copy.record;
    let me = ThreadToken::current();
    loop {
        let mut process = record.process.lock();
        match process.state {
            State::Live { owner, value, .. } => {
                // Under the lock, so that no copy can miss it if the value is taken away.
                copy.publish(value.address(owner).cast());
                access.value = value.address(owner).cast();
                return abi::OK;
            }
            State::Poisoned(_) => {
                drop(process);
                return tell_poison(record, access);
            }
            State::Building(thread, _) if thread == me => {
                drop(process);
                building::tell_recursion(record, access);
                return abi::RECURSION;
            }
            State::Building(..) => {
                drop(process);
                if let Err(chain) = wait(record, me) {
                    return refuse(access, abi::RECURSION, &chain);
                }
            }
            State::Empty => {
                let owner = building::builder(copy);
                // Under the lock: whoever drains the plugin marks it first and looks at this state then.
                if owner.binary.is_draining() {
                    return abi::DRAINING;
                }
                process.state = State::Building(me, owner);
                drop(process);
                return build(owner, copy, access);
            }
        }
    }
}

fn build(owner: &'static ItemCopy, copy: &'static ItemCopy, access: &mut Access) -> Status {
    static SEQUENCE: AtomicU64 = AtomicU64::new(0);
    // Once the value is there, the owner may go away.
    let of_host = owner.binary.is_host;
    let entry = building::allocate(owner);
    let status = building::build(owner, entry, access);
    let mut process = copy.record.process.lock();
    let waited_for = process.waited_for;
    if waited_for {
        drop(process);
        process = stop_waiting_for(copy.record);
    }
    process.state = if status == abi::OK {
        let value = Value(entry);
        access.value = value.address(owner).cast();
        copy.publish(value.address(owner).cast());
        // Relaxed: numbers that grow.
        State::Live { owner, value, sequence: SEQUENCE.fetch_add(1, Relaxed) }
    } else {
        // SAFETY: allocated above, and without a value.
        unsafe { building::free(entry.memory()) };
        State::Poisoned(owner)
    };
    drop(process);
    if waited_for {
        copy.record.process.built.notify_all();
    }
    if !of_host {
        progress::made();
    }
    status
}

/// Nobody waits for `record` any more, and nobody can before its state changes, which it is about to under the lock that
/// is returned.
#[cold]
fn stop_waiting_for(record: &'static Record) -> MutexGuard<'static, Inner> {
    let mut waiting = waiting();
    if let Some(waiting) = waiting.as_mut() {
        waiting.retain(|_, waited_for| !ptr::eq(*waited_for, record));
    }
    let mut process = record.process.lock();
    process.waited_for = false;
    process
}

/// Drops the values that `plugin` owns, or all, one by one and last created first: a destructor may use what was created
/// before. Each is taken away from all binaries first. Where an initializer has panicked, that is forgotten.
///
/// # Safety
///
/// Nobody refers to the values.
#[cfg(feature = "host")]
pub(crate) unsafe fn drop_values(registry: &Registry, plugin: Option<&'static Binary>) {
    let matches = |owner: &ItemCopy| plugin.is_none_or(|plugin| ptr::eq(owner.binary, plugin));
    let mut found: Vec<(u64, &'static Record)> = Vec::new();
    registry.read(|registered| {
        registered.records_of(plugin, |record| {
            let mut process = record.process.lock();
            match process.state {
                State::Live { owner, sequence, .. } if matches(owner) => found.push((sequence, record)),
                State::Poisoned(owner) if matches(owner) => process.state = State::Empty,
                _ => {}
            }
        });
    });
    found.sort_by_key(|(sequence, _)| *sequence);
    for (found_sequence, record) in found.into_iter().rev() {
        let taken = registry.read(|registered| {
            let mut process = record.process.lock();
            match process.state {
                State::Live { owner, value, sequence } if sequence == found_sequence => {
                    process.state = State::Empty;
                    registered.copies_of(record).for_each(|copy| copy.publish(ptr::null_mut()));
                    Some((owner, value))
                }
                _ => None,
            }
        });
        if let Some((owner, value)) = taken {
            // SAFETY: no binary finds the value any more, and nobody refers to it: the caller's word.
            unsafe {
                building::drop_value(owner, value.0);
                building::free(value.0.memory());
            }
        }
    }
}

/// Waits while `record` is being built, or not as long. If its builder waits for `me`, directly or through others: the
/// chain.
fn wait(record: &'static Record, me: ThreadToken) -> Result<(), String> {
    let mut waiting = waiting();
    let waiting_for = waiting.get_or_insert_default();
    if let Some(chain) = cycle(record, me, waiting_for) {
        return Err(chain);
    }
    let mut process = record.process.lock();
    if !matches!(process.state, State::Building(..)) {
        return Ok(());
    }
    process.waited_for = true;
    waiting_for.insert(me, record);
    drop(waiting);
    // Once: by now another thread may be building the value again, and who waits for whom is to be looked at again.
    drop(record.process.built.wait(process).unwrap_or_else(PoisonError::into_inner));
    Ok(())
}

/// Follows who builds what and waits for what, from `record` on. Exact, since nobody starts to wait meanwhile: the
/// caller holds the lock of `WAITING`.
fn cycle(record: &'static Record, me: ThreadToken, waiting: &HashMap<ThreadToken, &'static Record>) -> Option<String> {
    let mut chain = vec![record];
    let mut next = record;
    loop {
        let State::Building(builder, _) = next.process.lock().state else { return None };
        if builder == me {
            let names: Vec<_> = chain.iter().map(|record| format!("`{}`", record.identity())).collect();
            return Some(format!(
                "the initializers of items that different threads build need each other: {} -> `{}`; each thread waits \
                 for the next item",
                names.join(" -> "),
                record.identity()
            ));
        }
        next = waiting.get(&builder)?;
        chain.push(next);
    }
}

#[cold]
#[inline(never)]
fn tell_poison(record: &Record, access: &Access) -> Status {
    let item = record.identity();
    let message = format!("`{item}` is poisoned: its initializer panicked earlier, and that panic says why");
    refuse(access, abi::POISONED, &message)
}

fn refuse(access: &Access, status: Status, message: &str) -> Status {
    // SAFETY: the accessor's sink is usable for the whole access.
    unsafe { access.sink.write(message) };
    status
}
