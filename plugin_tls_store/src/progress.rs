//! Wakes threads that wait for an unload.
//!
//! # Orderings
//!
//! `draining` is Relaxed. A thread that waits has written it before it looked for what keeps the plugin, and each thing
//! that can keep a plugin is looked at, and taken away, under a lock. If the look did not see that a thing was taken away,
//! the lock was taken for the look first, so that who takes it away sees the write, and counts.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use plugin_tls_abi::sync::{Condvar, Mutex};

/// How long a thread waits at most before it looks again. A thread that ends without a call of the store makes no progress
/// here.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Whether plugins are being unloaded, and how often one of them might have become free.
#[derive(Debug)]
pub struct Progress {
    /// How many plugins are being unloaded. While there are none, safe points have nothing to look for.
    draining: AtomicUsize,
    count: Mutex<u64>,
    counted: Condvar,
}

impl Progress {
    pub(crate) const fn new() -> Self {
        Progress { draining: AtomicUsize::new(0), count: Mutex::new(0), counted: Condvar::new() }
    }

    /// Says that a plugin that is being unloaded might be free now.
    pub(crate) fn made(&self) {
        if self.is_anything_draining() {
            *self.count.lock() += 1;
            self.counted.notify_all();
        }
    }

    /// How much progress there has been.
    pub fn so_far(&self) -> u64 {
        *self.count.lock()
    }

    /// Waits until there is more progress than `before`, or until `deadline`; without one, forever. Returns now and then
    /// without progress, so that the caller looks again.
    pub fn wait(&self, before: u64, deadline: Option<Instant>) {
        let mut now = self.count.lock();
        while *now == before {
            let left = deadline.map_or(LOOK_AGAIN, |deadline| deadline.saturating_duration_since(Instant::now()));
            let timed_out;
            (now, timed_out) = self.counted.wait_timeout(now, left.min(LOOK_AGAIN));
            if timed_out {
                return;
            }
        }
    }

    /// A plugin is being unloaded from now on.
    pub(crate) fn begin_draining(&self) {
        self.draining.fetch_add(1, Relaxed);
    }

    /// A plugin is not being unloaded any more.
    pub(crate) fn end_draining(&self) {
        self.draining.fetch_sub(1, Relaxed);
    }

    /// Whether safe points have something to look for.
    pub(crate) fn is_anything_draining(&self) -> bool {
        self.draining.load(Relaxed) != 0
    }
}
