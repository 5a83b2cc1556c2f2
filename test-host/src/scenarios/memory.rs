//! Where values live.

use std::thread;

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "memory";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([Scenario::new(
        GROUP,
        "a_plugins_allocator_never_owns_a_value",
        "a value that only a plugin has is neither allocated nor freed by the plugin's own allocator, and dropped all the same",
        allocator,
    )])
}

fn allocator(bench: &Bench) {
    let plugin = *bench.load("own-allocator");
    let books = move || [plugin.call("allocated", 0).number(), plugin.call("freed", 0).number()];
    let other = thread::spawn(move || (plugin.call("use_block", 12_344), books()));
    let (value, within) = other.join().expect("the thread does not panic");
    assert_eq!(value.number(), 7);
    assert_eq!(within, [0, 0], "the thread's value, while it is alive");
    assert_eq!(host("log", 0).text(), "block of 12345 dropped");
    assert_eq!(books(), [0, 0], "the thread's value, after it was dropped");

    assert_eq!(plugin.call("use_block_of_all", 0).number(), 8);
    assert_eq!(books(), [0, 0], "the static");

    // The books are kept.
    assert_eq!(plugin.call("own_block", 0).number(), 9);
    assert_eq!(books(), [1, 1], "a block of the plugin's own");
}
