//! Operations for several threads: some items exist once per thread, others once per process.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use crate::items::{COUNTER, REGISTRY};
use crate::outcome::{Operation, Outcome, address};

/// A number. [`ALIVE`] counts the values of this type that have not been dropped.
#[derive(Debug)]
pub struct Tracked(Cell<u64>);

impl Tracked {
    #[allow(clippy::new_without_default, reason = "it changes a counter")]
    pub fn new() -> Self {
        ALIVE.fetch_add(1, SeqCst);
        Tracked(Cell::new(0))
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

plugin_tls_core::thread_local! {
    /// A value per thread, which counts as alive until the thread ends.
    pub static TRACKED: Tracked = Tracked::new();
}

plugin_tls_core::lazy_static! {
    /// The number of [`Tracked`] values that have not been dropped.
    pub static ref ALIVE: AtomicU64 = AtomicU64::new(0);
}

pub const OPERATIONS: &[Operation] = &[
    ("tracked_add", |n| {
        TRACKED.with(|tracked| {
            tracked.0.set(tracked.0.get() + n);
            tracked.0.get().into()
        })
    }),
    ("tracked_address", |_| TRACKED.with(address)),
    ("alive", |_| ALIVE.load(SeqCst).into()),
    // These run on a thread that this binary starts.
    ("spawned_counter_add", |n| {
        spawned(move || {
            COUNTER.set(COUNTER.get() + n);
            COUNTER.get().into()
        })
    }),
    ("spawned_counter_address", |_| spawned(|| COUNTER.with(address))),
    ("spawned_registry_address", |_| spawned(|| address(&*REGISTRY))),
    ("spawned_tracked_alive", |_| {
        spawned(|| {
            TRACKED.with(address);
            ALIVE.load(SeqCst).into()
        })
    }),
];

fn spawned(operation: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
    thread::spawn(operation).join().expect("the thread does not panic")
}
