//! What threads have of their own, and what they share.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use crate::items::{COUNTER, REGISTRY};
use crate::operations::address;
use crate::probe::{Operation, Outcome};

/// A number that is counted in [`ALIVE`] from its construction to its end.
#[derive(Debug)]
pub struct Tracked(Cell<u64>);

impl Tracked {
    /// One more that is alive.
    #[allow(clippy::new_without_default, reason = "it counts")]
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
    /// A value for each thread that has used it and has not ended.
    pub static TRACKED: Tracked = Tracked::new();
}

plugin_tls_core::lazy_static! {
    /// How many threads have a [`TRACKED`].
    pub static ref ALIVE: AtomicU64 = AtomicU64::new(0);
}

/// By name.
pub const OPERATIONS: &[Operation] = &[
    ("tracked_add", |n| {
        TRACKED.with(|tracked| {
            tracked.0.set(tracked.0.get() + n);
            tracked.0.get().into()
        })
    }),
    ("tracked_address", |_| TRACKED.with(address)),
    ("alive", |_| ALIVE.load(SeqCst).into()),
    // On a thread that this very binary starts.
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
