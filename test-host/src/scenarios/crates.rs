//! Which crates a binary is made of, and what it is therefore: a host, a plugin, or neither.

use plugin_tls::Context;
use plugin_tls::host::{Blocker, Plugin};

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "crates";

pub fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            GROUP,
            "a_type_has_the_same_type_id_in_host_and_plugin",
            "host and plugin are built with different features of the facade; a crate that depends on the core is one crate",
            |bench| {
                let plugin = bench.load("first");
                assert_eq!(plugin.call("type_id", 0).text(), host("type_id", 0).text());
            },
        ),
        Scenario::new(
            GROUP,
            "a_plugin_that_is_a_library_as_well_can_be_loaded",
            "a crate of the types cdylib and rlib shares items; two of them do not disturb each other",
            mixed_crates,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_that_is_a_library_as_well_is_not_unloaded",
            "its image leaves functions with the system, so unloading it is refused and takes nothing away",
            mixed_crate_stays,
        ),
        Scenario::new(
            GROUP,
            "a_marked_library_becomes_a_host_on_request",
            "in a library with export_plugin! an access is an error until it asks for its own context",
            becomes_host,
        ),
        Scenario::new(
            GROUP,
            "a_host_that_is_not_used_yet_can_be_connected",
            "a library that could be a host shares with this program after Context::initialize",
            connected_host,
        ),
    ]
}

/// Loads `test-plugin-linked-NAME`: the plugin and its function that adds to the shared counter.
fn load_linked(bench: &Bench, name: &str) -> (Plugin, extern "C" fn(u64) -> u64) {
    // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
    let plugin = unsafe { Plugin::load(bench.path(&format!("linked-{name}"))) };
    let plugin = plugin.unwrap_or_else(|error| panic!("{error}"));
    // SAFETY: the plugin exports a function of this name and type.
    let add = unsafe { plugin.get::<extern "C" fn(u64) -> u64>(format!("linked_{name}_add").as_bytes()) };
    let add = *add.unwrap_or_else(|error| panic!("{error}"));
    (plugin, add)
}

fn mixed_crates(bench: &Bench) {
    let (_one, add_one) = load_linked(bench, "one");
    let (_two, add_two) = load_linked(bench, "two");
    assert_eq!(add_one(1), 1);
    assert_eq!(add_two(10), 11, "the counter is shared");
    assert_eq!(host("counter_add", 100).number(), 111);
}

fn mixed_crate_stays(bench: &Bench) {
    let (one, add) = load_linked(bench, "one");
    assert_eq!(add(1), 1);
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped.
    let still = unsafe { one.unload() };
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
        return drop(still);
    }
    let still = still.expect_err("it leaves functions with the system");
    assert_eq!(still.blockers(), [Blocker::NotTakenOver]);
    assert!(still.to_string().contains("crate-type"), "{still}");
    assert_eq!(add(1), 2, "it still works");
}

fn becomes_host(bench: &Bench) {
    let (library, operations) = bench.open("by-hand");
    let refused = "Err(AccessError { reason: NotConnected })";
    assert_eq!(operations.call("counter_try", 0).text(), refused);
    // SAFETY: the library exports a function of this name and type.
    let become_host = unsafe { library.get::<extern "C" fn() -> Context>(b"become_host") }.expect("it is exported");
    become_host();
    assert_eq!(operations.call("counter_add", 5).number(), 5);
    assert_eq!(host("counter_add", 1).number(), 1, "it has a store of its own");
}

fn connected_host(bench: &Bench) {
    let operations = bench.open_for_connection("other-host-library");
    // SAFETY: the context is this program's own.
    unsafe { operations.connect(Context::get()) }.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(operations.call("counter_add", 5).number(), 5);
    assert_eq!(host("counter_add", 1).number(), 6);
    assert_eq!(operations.call("counter_address", 0), host("counter_address", 0));
}
