//! What the demo's host and its plugins share. Each of them links its own copy of this crate.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The request that a thread works on.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub id: u32,
    pub user: String,
}

/// What plugins bring: it answers the calling thread's [`REQUEST`].
pub type Command = fn() -> String;

plugin_tls_core::thread_local! {
    /// The request that this thread works on. The host sets it, plugins read it.
    pub static REQUEST: RefCell<Request> = RefCell::default();

    /// How many commands this thread has run.
    pub static RUN_HERE: Cell<u32> = const { Cell::new(0) };
}

plugin_tls_core::lazy_static! {
    /// All commands, by name. Plugins fill it, the host runs them.
    pub static ref COMMANDS: Mutex<BTreeMap<String, Command>> = Mutex::default();

    /// How many commands all threads have run.
    pub static ref RUN: AtomicU32 = AtomicU32::new(0);
}

/// The same counters as the standard library has them: one in each binary that links this crate.
pub mod plain {
    use std::cell::Cell;
    use std::sync::atomic::AtomicU32;

    std::thread_local! {
        pub static RUN_HERE: Cell<u32> = const { Cell::new(0) };
    }

    pub static RUN: AtomicU32 = AtomicU32::new(0);
}

/// Counts a command; called by the command itself, and so in the plugin's copy of this crate.
pub fn count() {
    RUN_HERE.set(RUN_HERE.get() + 1);
    RUN.fetch_add(1, Relaxed);
    plain::RUN_HERE.set(plain::RUN_HERE.get() + 1);
    plain::RUN.fetch_add(1, Relaxed);
}

/// What a binary's copy of this crate has counted.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// [`RUN`].
    pub shared: u32,
    /// [`plain::RUN`].
    pub plain: u32,
}

/// What the calling binary sees.
pub fn totals() -> Totals {
    Totals { shared: RUN.load(Relaxed), plain: plain::RUN.load(Relaxed) }
}
