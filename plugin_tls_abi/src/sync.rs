//! [`Mutex`] and [`Condvar`] without poisoning, over std's.
//!
//! The locks are std's, and not those of a crate, for three reasons. Crates such as `parking_lot_core` are meant to declare
//! their own statics with `plugin_tls`: the store would call itself. The loader must not wait in a lock table that belongs
//! to a plugin which it unloads. And a thread's end takes locks when its other thread-locals are gone: a lock that needs
//! thread-locals would not work there.
//!
//! A lock is never left poisoned, because no code of users runs while one is held.

#![forbid(unsafe_code)]

use std::sync::{self, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// A mutual exclusion lock.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Mutex(sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// A condition variable.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    pub const fn new() -> Self {
        Condvar(sync::Condvar::new())
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `timeout` at most. The second value is true if the time has passed.
    pub fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, timeout: Duration) -> (MutexGuard<'a, T>, bool) {
        let (guard, result) = self.0.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
