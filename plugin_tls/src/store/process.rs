//! Process-wide values.
//!
//! ```text
//!             ┌── panics ──► poisoned
//! empty ──► building ──► live
//!             ▲
//!             └── other threads wait, unless the builder waits for them in turn: a cycle, told to whoever closes it
//! ```

use std::collections::HashMap;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::building::{self, ThreadToken, copy_of};
use super::progress;
#[cfg(feature = "host")]
use super::registry::{Binary, Registry};
use super::registry::{ItemCopy, Record};
use crate::abi::{self, Access, Status};

/// The value of an item.
#[derive(Debug, Default)]
pub(crate) struct Process {
    state: Mutex<State>,
    /// Notified when the state leaves `Building`.
    built: Condvar,
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

/// The address of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value(NonNull<u8>);

impl Value {
    pub(crate) fn address(self) -> *const u8 {
        self.0.as_ptr()
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
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "host")]
    pub(crate) fn state(&self) -> State {
        *self.lock()
    }
}

/// The process's value: the one that is there, or a new one.
pub(crate) fn find_or_build(access: &mut Access) -> Status {
    // SAFETY: the accessor's handle.
    let copy = unsafe { copy_of(access.item) };
    let record = copy.record;
    let me = ThreadToken::current();
    loop {
        let mut state = record.process.lock();
        match *state {
            State::Live { value, .. } => {
                // Under the lock, so that no copy can miss it if the value is taken away.
                copy.publish(value.0.as_ptr().cast());
                access.value = value.0.as_ptr().cast_const().cast();
                return abi::OK;
            }
            State::Poisoned(_) => {
                drop(state);
                return tell_poison(record, access);
            }
            State::Building(thread, _) if thread == me => {
                drop(state);
                building::tell_recursion(record, access);
                return abi::RECURSION;
            }
            State::Building(..) => {
                drop(state);
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
                *state = State::Building(me, owner);
                drop(state);
                return build(owner, copy, access);
            }
        }
    }
}

fn build(owner: &'static ItemCopy, copy: &'static ItemCopy, access: &mut Access) -> Status {
    static SEQUENCE: AtomicU64 = AtomicU64::new(0);
    let process = &copy.record.process;
    let status = match building::build(owner, access) {
        Ok(value) => {
            // Relaxed: numbers that grow.
            let sequence = SEQUENCE.fetch_add(1, Relaxed);
            stop_waiting_for(copy.record);
            let mut state = process.lock();
            *state = State::Live { owner, value: Value(value), sequence };
            copy.publish(value.as_ptr().cast());
            access.value = value.as_ptr().cast_const().cast();
            abi::OK
        }
        Err(status) => {
            stop_waiting_for(copy.record);
            *process.lock() = State::Poisoned(owner);
            status
        }
    };
    process.built.notify_all();
    if !owner.binary.is_host {
        progress::made();
    }
    status
}

/// Nobody waits for `record` any more, or will not when its state changes, which it is about to.
fn stop_waiting_for(record: &'static Record) {
    if let Some(waiting) = waiting().as_mut() {
        waiting.retain(|_, waited_for| !ptr::eq(*waited_for, record));
    }
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
            let mut state = record.process.lock();
            match *state {
                State::Live { owner, sequence, .. } if matches(owner) => found.push((sequence, record)),
                State::Poisoned(owner) if matches(owner) => *state = State::Empty,
                _ => {}
            }
        });
    });
    found.sort_by_key(|(sequence, _)| *sequence);
    for (found_sequence, record) in found.into_iter().rev() {
        let taken = registry.read(|registered| {
            let mut state = record.process.lock();
            match *state {
                State::Live { owner, value, sequence } if sequence == found_sequence => {
                    *state = State::Empty;
                    registered.copies_of(record).for_each(|copy| copy.publish(ptr::null_mut()));
                    Some((owner, value))
                }
                _ => None,
            }
        });
        if let Some((owner, value)) = taken {
            // SAFETY: no binary finds the value any more, and nobody refers to it: the caller's word.
            unsafe { building::destroy(owner, value.0) };
        }
    }
}

/// Waits until `record` is not being built any more. If its builder waits for `me`, directly or through others: the
/// chain.
fn wait(record: &'static Record, me: ThreadToken) -> Result<(), String> {
    {
        let mut waiting = waiting();
        let waiting = waiting.get_or_insert_default();
        if let Some(chain) = cycle(record, me, waiting) {
            return Err(chain);
        }
        waiting.insert(me, record);
    }
    let mut state = record.process.lock();
    while matches!(*state, State::Building(..)) {
        state = record.process.built.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    Ok(())
}

/// Follows who builds what and waits for what, from `record` on. Exact, since nobody starts to wait meanwhile: the
/// caller holds the lock of `WAITING`.
fn cycle(record: &'static Record, me: ThreadToken, waiting: &HashMap<ThreadToken, &'static Record>) -> Option<String> {
    let mut chain = vec![record];
    let mut next = record;
    loop {
        let State::Building(builder, _) = *next.process.lock() else { return None };
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
