//! Values that a host and its plugins share.

use test_api::Outcome;

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "sharing";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(GROUP, "the_demo_succeeds", "the demo of `cargo xtask demo` runs without errors", |bench| {
            crate::demo::run(bench).unwrap_or_else(|error| panic!("{error}"));
        }),
        Scenario::new(
            GROUP,
            "host_and_plugins_share_one_value",
            "the host and two plugins get the same address, and the initializer runs once",
            same_address,
        ),
        Scenario::new(
            GROUP,
            "plugins_share_items_that_the_host_does_not_link",
            "two plugins share an item that the host does not link",
            plugins_only,
        ),
    ])
}

fn same_address(bench: &Bench) {
    let (first, second) = (bench.load("first"), bench.load("second"));
    assert_eq!(first.call("counter_add", 2).number(), 2);
    assert_eq!(second.call("counter_add", 3).number(), 5);
    assert_eq!(host("counter_add", 4).number(), 9);
    let address = host("counter_address", 0);
    assert_eq!(first.call("counter_address", 0), address);
    assert_eq!(second.call("counter_address", 0), address);

    for once in [first.call("once", 0), second.call("once", 0), host("once", 0)] {
        assert_eq!(once.number(), 1);
    }
    assert_eq!(second.call("initialized", 0).number(), 1, "one initialization");

    // The values exist, so these accesses take the hot path.
    for (operation, expected) in
        [("hot_path_thread_local", 9), ("hot_path_static", host("registry_address", 0).number())]
    {
        assert_eq!(host(operation, 0).number(), expected);
        assert_eq!(first.call(operation, 0).number(), expected);
        assert_eq!(first.call(operation, 0).number(), expected);
    }
}

fn plugins_only(bench: &Bench) {
    let (first, second) = (bench.load("first"), bench.load("second"));
    assert_eq!(host("plugin_counter_add", 1), Outcome::Unknown);
    assert_eq!(first.call("plugin_counter_add", 1).number(), 101);
    assert_eq!(second.call("plugin_counter_add", 1).number(), 102);
    assert_eq!(first.call("plugin_counter_address", 0), second.call("plugin_counter_address", 0));
    assert_eq!(first.call("plugin_registry_address", 0), second.call("plugin_registry_address", 0));
}
