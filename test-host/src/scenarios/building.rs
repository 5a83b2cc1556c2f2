//! Initializers that use other items, and initializers that fail.

use std::sync::{Arc, Barrier};
use std::thread;

use test_api::Outcome;

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "building";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "an_initializer_uses_items_of_other_binaries",
            "initializers of a plugin and of the host use items of each other, three calls deep",
            across_binaries,
        ),
        Scenario::new(
            GROUP,
            "a_chain_of_a_thousand_initializers_works",
            "each of 1000 items of both kinds uses the next one, on the main thread",
            |bench| assert_eq!(bench.load("chain").call("chain", 0).number(), 1000),
        ),
        Scenario::new(
            GROUP,
            "a_chain_of_a_thousand_initializers_works_on_a_thread",
            "each of 1000 items of both kinds uses the next one, on a thread with a stack of 8 MiB",
            chain_on_a_thread,
        ),
        Scenario::new(
            GROUP,
            "a_thread_local_that_uses_itself_panics_and_can_be_retried",
            "the panic names the chain of items; the item works once its initializer does not recurse",
            local_recursion,
        ),
        Scenario::new(
            GROUP,
            "a_static_that_uses_itself_panics_and_is_poisoned",
            "the panic names the chain of items; all items in the chain stay poisoned in every binary",
            static_recursion,
        ),
        Scenario::new(
            GROUP,
            "recursion_across_binaries_panics",
            "the initializer of a plugin's item uses an item of the host, which uses the plugin's item again",
            recursion_across_binaries,
        ),
        Scenario::new(
            GROUP,
            "a_cycle_between_threads_of_host_and_plugin_panics",
            "the host and a plugin build two statics at the same time, and each static uses the other",
            |bench| cycle(bench, &[("host", "cycle_x"), ("first", "cycle_y")], "test_api::building"),
        ),
        Scenario::new(
            GROUP,
            "a_cycle_between_threads_of_two_plugins_panics",
            "two plugins build two statics at the same time, and each static uses the other",
            |bench| {
                cycle(bench, &[("first", "plugin_cycle_x"), ("second", "plugin_cycle_y")], "test_plugin_api::building")
            },
        ),
        Scenario::new(
            GROUP,
            "a_thread_local_whose_initializer_panics_can_be_retried",
            "the panic's message reaches the caller in any binary; a later access runs the initializer again",
            local_panic,
        ),
        Scenario::new(
            GROUP,
            "a_static_whose_initializer_panics_is_poisoned",
            "the panic's message reaches the caller in any binary; later accesses in all binaries report the poison",
            static_panic,
        ),
        Scenario::new(
            GROUP,
            "a_panic_payload_stays_within_its_binary",
            "a payload that is not text reaches callers in the binary that panicked; other binaries get a message",
            payloads,
        ),
        Scenario::new(
            GROUP,
            "set_before_the_first_access_runs_no_initializer",
            "set stores a value without running the initializer of the host or the plugin; all binaries see the value",
            set_first,
        ),
        Scenario::new(
            GROUP,
            "threads_of_three_binaries_build_a_static_once",
            "sixteen threads access a static at once; one initializes it, and all get the same address",
            race,
        ),
    ])
}

fn across_binaries(bench: &Bench) {
    let first = bench.load("first");
    assert_eq!(first.call("upper", 0).number(), 1234, "each initializer appends a digit");
    assert_eq!(bench.load("second").call("upper", 0).number(), 1234, "nothing is built again");
}

fn chain_on_a_thread(bench: &Bench) {
    let chain = *bench.load("chain");
    let thread = thread::Builder::new().stack_size(8 << 20).spawn(move || chain.call("chain", 0));
    let outcome = thread.expect("the thread starts").join().expect("the thread does not panic");
    assert_eq!(outcome.number(), 1000);
}

/// Asserts that `message` names the items in this order.
#[track_caller]
fn assert_chain(message: &str, names: &[&str]) {
    let chain: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let chain = chain.join(" -> ");
    assert!(message.contains(&chain), "no chain {chain} in: {message}");
}

fn local_recursion(bench: &Bench) {
    let first = bench.load("first");
    host("failing", 1);
    for (operation, module) in [("loop_x", "test_api::building"), ("plugin_loop_x", "test_plugin_api::building")] {
        let [x, y] = ["LOOP_X", "LOOP_Y"].map(|name| format!("{module}::{name}"));
        for _ in 0..2 {
            assert_chain(&first.call(operation, 0).panic(), &[&x, &y, &x]);
        }
    }
    assert_chain(
        &host("loop_x", 0).panic(),
        &["test_api::building::LOOP_X", "test_api::building::LOOP_Y", "test_api::building::LOOP_X"],
    );
    host("failing", 0);
    assert_eq!(first.call("plugin_loop_x", 0).number(), 2, "without recursion");
    assert_eq!(first.call("loop_x", 0).number(), 2, "without recursion");
    assert_eq!(host("loop_y", 0).number(), 1, "without recursion");
}

fn static_recursion(bench: &Bench) {
    let (first, second) = (bench.load("first"), bench.load("second"));
    host("failing", 1);
    for (prefix, module) in [("", "test_api::building"), ("plugin_", "test_plugin_api::building")] {
        let [x, y] = ["LOOP_STATIC_X", "LOOP_STATIC_Y"].map(|name| format!("{module}::{name}"));
        let operations = [format!("{prefix}loop_static_x"), format!("{prefix}loop_static_y")];
        host("failing", 1);
        assert_chain(&first.call(&operations[0], 0).panic(), &[&x, &y, &x]);
        host("failing", 0);
        for operation in &operations {
            assert_poisoned(first.call(operation, 0), operation);
            assert_poisoned(second.call(operation, 0), operation);
        }
    }
    for operation in ["loop_static_x", "loop_static_y"] {
        assert_poisoned(host(operation, 0), operation);
    }
}

/// Asserts that the panic of `operation` reports the poison and names the item. The names of the item and of the
/// operation are the same but for case and prefix.
#[track_caller]
fn assert_poisoned(outcome: Outcome, operation: &str) {
    let message = outcome.panic();
    assert!(message.contains("poisoned"), "{operation}: {message}");
    let name = operation.trim_start_matches("plugin_").to_uppercase();
    assert!(message.contains(&name), "{operation}: the item is not named in: {message}");
}

fn recursion_across_binaries(bench: &Bench) {
    let first = bench.load("first");
    assert_eq!(first.call("pier", 0).number(), 8, "the callback catches the panic, so the initializers continue");
    let pier = "test_plugin_api::building::PIER";
    assert_chain(&host("log", 0).text(), &[pier, "test_api::building::BRIDGE", pier]);
}

fn cycle(bench: &Bench, sides: &[(&str, &'static str); 2], module: &str) {
    let threads = sides.map(|(binary, operation)| {
        let operations = (binary != "host").then(|| *bench.load(binary));
        move || operations.map_or_else(|| host(operation, 0), |plugin| plugin.call(operation, 0))
    });
    let outcomes = threads.map(thread::spawn).map(|thread| thread.join().expect("panics are caught in the binaries"));
    let messages = outcomes.map(Outcome::panic);
    let [x, y] = ["CYCLE_X", "CYCLE_Y"].map(|name| format!("`{module}::{name}`"));
    assert!(
        messages.iter().any(|message| message.contains(&x) && message.contains(&y)),
        "no panic names both items: {messages:#?}"
    );
    for (binary, operation) in sides {
        let again = if *binary == "host" { host(operation, 0) } else { bench.load(binary).call(operation, 0) };
        assert_poisoned(again, operation);
    }
}

fn local_panic(bench: &Bench) {
    let first = bench.load("first");
    host("failing", 1);
    assert_eq!(first.call("fragile", 0).panic(), "fragile: attempt 1", "the plugin runs the host's initializer");
    assert_eq!(first.call("fragile", 0).panic(), "fragile: attempt 2", "a second try");
    assert_eq!(host("fragile", 0).panic(), "fragile: attempt 3", "a third try, in the host");
    assert_eq!(first.call("plugin_fragile", 0).panic(), "fragile: attempt 4", "the plugin runs its own initializer");
    host("failing", 0);
    assert_eq!(first.call("fragile", 0).number(), 5, "the initializer succeeds now");
    assert_eq!(host("fragile", 0).number(), 5, "the value is kept");
    assert_eq!(first.call("plugin_fragile", 0).number(), 6, "the initializer succeeds now");
    assert_eq!(bench.load("second").call("plugin_fragile", 0).number(), 6, "the value is kept");
}

fn static_panic(bench: &Bench) {
    let (first, second) = (bench.load("first"), bench.load("second"));
    host("failing", 1);
    assert_eq!(first.call("fragile_static", 0).panic(), "fragile: attempt 1", "the plugin runs the host's initializer");
    assert_eq!(
        first.call("plugin_fragile_static", 0).panic(),
        "fragile: attempt 2",
        "the plugin runs its own initializer"
    );
    host("failing", 0);
    for plugin in [&first, &second] {
        assert_poisoned(plugin.call("fragile_static", 0), "fragile_static");
        assert_poisoned(plugin.call("plugin_fragile_static", 0), "plugin_fragile_static");
    }
    assert_poisoned(host("fragile_static", 0), "fragile_static");
    assert_eq!(host("attempts", 0).number(), 2, "initializers of poisoned items do not run again");
}

fn payloads(bench: &Bench) {
    let first = bench.load("first");
    assert_eq!(first.call("plugin_payload", 0).number(), 43, "the payload of the plugin's own initializer");
    assert_eq!(host("payload", 0).number(), 42, "the payload of the host's own initializer");
    let Outcome::Done { number: 0, text } = first.call("payload", 0) else {
        panic!("a payload of the host reached the plugin")
    };
    assert!(text.contains("the initializer panicked"), "the plugin gets a message: {text}");
}

fn set_first(bench: &Bench) {
    let (first, second) = (bench.load("first"), bench.load("second"));
    first.call("set_first", 70).number();
    first.call("set_first_text", 71).number();
    first.call("plugin_set_first", 72).number();
    assert_eq!(host("set_first_value", 0).number(), 70);
    assert_eq!(second.call("set_first_value", 0).number(), 70);
    assert_eq!(host("set_first_text_value", 0).text(), "text 71");
    assert_eq!(second.call("plugin_set_first_value", 0).number(), 72);
    assert_eq!(host("attempts", 0).number(), 0, "no initializer ran");

    // `set` replaces an existing value.
    second.call("set_first", 80).number();
    assert_eq!(first.call("set_first_value", 0).number(), 80);
    assert_eq!(host("set_first_value", 0).number(), 80);
    assert_eq!(host("attempts", 0).number(), 0, "no initializer ran");
}

fn race(bench: &Bench) {
    let (first, second) = (*bench.load("first"), *bench.load("second"));
    let barrier = Arc::new(Barrier::new(16));
    let threads: Vec<_> = (0..16)
        .map(|n| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                match n % 3 {
                    0 => host("race_address", 0),
                    1 => first.call("race_address", 0),
                    _ => second.call("race_address", 0),
                }
            })
        })
        .collect();
    let addresses: Vec<_> =
        threads.into_iter().map(|thread| thread.join().expect("the threads do not panic").number()).collect();
    assert_eq!(addresses, [addresses[0]; 16], "one value");
    assert_eq!(host("attempts", 0).number(), 1, "one initialization");
}
