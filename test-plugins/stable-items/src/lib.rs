//! A plugin that can share its items with a host from another compiler.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use test_stable_api::Operation;

plugin_tls::export_plugin!();

plugin_tls::thread_local! {
    /// Only this plugin declares the item.
    static OWN: Cell<u64> = const { Cell::new(0) };
}

/// Runs an operation in this plugin.
#[unsafe(no_mangle)]
pub extern "C" fn stable(operation: Operation, argument: u64) -> u64 {
    test_stable_api::run(operation, argument)
}

/// Counts calls in an item of the plugin.
#[unsafe(no_mangle)]
pub extern "C" fn own_calls() -> u64 {
    OWN.set(OWN.get() + 1);
    OWN.get()
}

/// Counts calls in a plain static, which exists once per image.
#[unsafe(no_mangle)]
pub extern "C" fn plain_calls() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    CALLS.fetch_add(1, SeqCst) + 1
}
