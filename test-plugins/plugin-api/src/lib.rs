//! Items that only plugins link. The plugins share them through the host's store.

pub mod building;
pub mod ending;

use std::cell::Cell;
use std::sync::Mutex;

use test_api::outcome::address;
use test_api::probe::Operation;

plugin_tls_core::thread_local! {
    /// A number per thread.
    pub static PLUGIN_COUNTER: Cell<u64> = const { Cell::new(100) };
}

plugin_tls_core::lazy_static! {
    /// Every plugin may add to this.
    pub static ref PLUGIN_REGISTRY: Mutex<Vec<String>> = Mutex::default();
}

pub const OPERATIONS: &[Operation] = &[
    ("plugin_counter_add", |n| {
        PLUGIN_COUNTER.set(PLUGIN_COUNTER.get() + n);
        PLUGIN_COUNTER.get().into()
    }),
    ("plugin_counter_address", |_| PLUGIN_COUNTER.with(address)),
    ("plugin_registry_address", |_| address(&*PLUGIN_REGISTRY)),
];

#[cfg(test)]
mod tests {
    use super::PLUGIN_COUNTER;

    #[test]
    fn a_crate_that_declares_items_can_be_tested_alone() {
        PLUGIN_COUNTER.set(PLUGIN_COUNTER.get() + 1);
        assert_eq!(PLUGIN_COUNTER.get(), 101);
        std::thread::spawn(|| assert_eq!(PLUGIN_COUNTER.get(), 100)).join().unwrap();
    }
}
