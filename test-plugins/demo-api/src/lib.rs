//! The items that the demo's host and its plugins share. Each binary links its own copy of this crate.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A request that a thread serves.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub id: u32,
    pub user: String,
}

/// A function of a plugin that answers the calling thread's [`REQUEST`].
pub type Command = fn() -> String;

plugin_tls_core::thread_local! {
    /// The request that this thread serves. The host sets it, and the plugins read it.
    pub static REQUEST: RefCell<Request> = RefCell::default();

    /// The number of commands that this thread has run.
    pub static RUN_HERE: Cell<u32> = const { Cell::new(0) };
}

plugin_tls_core::lazy_static! {
    /// All commands by name. The plugins add them, and the host runs them.
    pub static ref COMMANDS: Mutex<BTreeMap<String, Command>> = Mutex::default();

    /// The number of commands that all threads have run.
    pub static ref RUN: AtomicU32 = AtomicU32::new(0);
}

/// The same counters, declared with std. Each binary that links this crate has its own.
pub mod plain {
    use std::cell::Cell;
    use std::sync::atomic::AtomicU32;

    std::thread_local! {
        pub static RUN_HERE: Cell<u32> = const { Cell::new(0) };
    }

    pub static RUN: AtomicU32 = AtomicU32::new(0);
}

/// Counts a command. Commands call this, so it runs in the plugin's copy of this crate.
pub fn count() {
    RUN_HERE.set(RUN_HERE.get() + 1);
    RUN.fetch_add(1, Relaxed);
    plain::RUN_HERE.set(plain::RUN_HERE.get() + 1);
    plain::RUN.fetch_add(1, Relaxed);
}

/// The counts of all threads, as one binary's copy of this crate has them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// [`RUN`].
    pub shared: u32,
    /// [`plain::RUN`].
    pub plain: u32,
}

/// Returns the counts of the calling binary's copy of this crate.
pub fn totals() -> Totals {
    Totals { shared: RUN.load(Relaxed), plain: plain::RUN.load(Relaxed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This crate depends on plugin_tls_core only.
    #[test]
    fn a_crate_that_declares_items_can_be_tested_alone() {
        std::thread::spawn(count).join().expect("the thread counts");
        count();
        assert_eq!((RUN_HERE.get(), RUN.load(Relaxed)), (1, 2));
        assert_eq!(totals().shared, totals().plain);
    }
}
