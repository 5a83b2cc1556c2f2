//! Where the memory of values comes from.

use std::thread;

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "memory";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([Scenario::new(
        GROUP,
        "values_are_allocated_by_the_host",
        "the plugin's allocator neither allocates nor frees a value of an item that only the plugin links",
        allocator,
    )])
}

fn allocator(bench: &Bench) {
    let plugin = *bench.load("own-allocator");
    let counts = move || [plugin.call("allocated", 0).number(), plugin.call("freed", 0).number()];
    let other = thread::spawn(move || (plugin.call("use_block", 12_344), counts()));
    let (value, within) = other.join().expect("the thread does not panic");
    assert_eq!(value.number(), 7);
    assert_eq!(within, [0, 0], "while the thread's value lives");
    assert_eq!(host("log", 0).text(), "block of 12345 dropped");
    assert_eq!(counts(), [0, 0], "after the thread's value was dropped");

    assert_eq!(plugin.call("use_block_of_all", 0).number(), 8);
    assert_eq!(counts(), [0, 0], "after the static was initialized");

    // The plugin's allocator does count its blocks.
    assert_eq!(plugin.call("own_block", 0).number(), 9);
    assert_eq!(counts(), [1, 1], "after the plugin allocated and freed a block");
}
