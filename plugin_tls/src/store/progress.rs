//! Whether plugins are being unloaded, and whether whoever waits for that should look again.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many plugins are being unloaded: while there are none, safe points have nothing to look for.
static DRAINING: AtomicUsize = AtomicUsize::new(0);

/// Counts what a plugin that is being unloaded may wait for.
static PROGRESS: (Mutex<u64>, Condvar) = (Mutex::new(0), Condvar::new());

/// A plugin that is being unloaded might be free now.
pub(crate) fn made() {
    // SeqCst: ordered with `begin_draining`, so that whoever waits is woken by all that follows it.
    if DRAINING.load(SeqCst) != 0 {
        *PROGRESS.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        PROGRESS.1.notify_all();
    }
}

/// How much progress there has been.
pub(crate) fn so_far() -> u64 {
    *PROGRESS.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until there is more progress than `before`, or until `deadline` (`None`: for good).
pub(crate) fn wait(before: u64, deadline: Option<Instant>) {
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

/// Whether safe points have something to look for.
pub(crate) fn is_anything_draining() -> bool {
    // SeqCst: see `made`.
    DRAINING.load(SeqCst) != 0
}
