//! Process-wide values.
//!
//! ```text
//!             ┌── panics ──► poisoned
//! empty ──► building ──► live
//!             ▲
//!             └── other threads wait, unless the builder waits for them in turn: a cycle, told to whoever closes it
//! ```

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::building::{self, ThreadToken, copy_of};
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
    Building(ThreadToken),
    Live {
        #[cfg_attr(not(feature = "host"), expect(dead_code, reason = "for snapshots"))]
        owner: &'static ItemCopy,
        value: Value,
    },
    Poisoned,
}

/// The address of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value(NonNull<u8>);
// SAFETY: an address; the value is `Sync`, as `lazy_static!` demands, and is not dropped.
unsafe impl Send for Value {}

/// Which thread waits for which item.
static WAITING: Mutex<Option<HashMap<ThreadToken, &'static Record>>> = Mutex::new(None);

impl Process {
    /// Nothing under the lock panics.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "host")]
    pub(crate) fn state(&self) -> State {
        *self.lock()
    }

    fn finish(&self, state: State) {
        *self.lock() = state;
        self.built.notify_all();
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
            State::Poisoned => {
                drop(state);
                let item = record.identity();
                let message =
                    format!("`{item}` is poisoned: its initializer panicked earlier, and that panic says why");
                return refuse(access, abi::POISONED, &message);
            }
            State::Building(thread) if thread == me => {
                drop(state);
                let chain = building::recursion(record).unwrap_or_default();
                return refuse(access, abi::RECURSION, &chain);
            }
            State::Building(_) => {
                drop(state);
                if let Err(chain) = wait(record, me) {
                    return refuse(access, abi::RECURSION, &chain);
                }
            }
            State::Empty => {
                *state = State::Building(me);
                drop(state);
                return build(copy, access);
            }
        }
    }
}

fn build(copy: &'static ItemCopy, access: &mut Access) -> Status {
    let owner = building::builder(copy);
    match building::build(owner, access) {
        Ok(value) => {
            let mut state = copy.record.process.lock();
            *state = State::Live { owner, value: Value(value) };
            copy.publish(value.as_ptr().cast());
            drop(state);
            copy.record.process.built.notify_all();
            access.value = value.as_ptr().cast_const().cast();
            abi::OK
        }
        Err(status) => {
            copy.record.process.finish(State::Poisoned);
            status
        }
    }
}

/// Waits until `record` is not being built any more. If its builder waits for `me`, directly or through others: the
/// chain.
fn wait(record: &'static Record, me: ThreadToken) -> Result<(), String> {
    {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiting.get_or_insert_default();
        if let Some(chain) = cycle(record, me, waiting) {
            return Err(chain);
        }
        waiting.insert(me, record);
    }
    let mut state = record.process.lock();
    while matches!(*state, State::Building(_)) {
        state = record.process.built.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    drop(state);
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.get_or_insert_default().remove(&me);
    Ok(())
}

/// Follows who builds what and waits for what, from `record` on. Exact, since nobody starts to wait meanwhile: the
/// caller holds the lock of `WAITING`.
fn cycle(record: &'static Record, me: ThreadToken, waiting: &HashMap<ThreadToken, &'static Record>) -> Option<String> {
    let mut chain = vec![record];
    let mut next = record;
    loop {
        let State::Building(builder) = *next.process.lock() else { return None };
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

fn refuse(access: &Access, status: Status, message: &str) -> Status {
    // SAFETY: the accessor's sink is usable for the whole access.
    unsafe { access.sink.write(message) };
    status
}
