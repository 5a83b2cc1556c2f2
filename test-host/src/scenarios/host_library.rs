//! Hosts that are libraries. No slot has a known distance from the thread pointer there, so all slots are in the rows
//! of threads.

use std::ffi::c_void;
use std::sync::{Arc, Barrier};
use std::thread;

use test_api::probe::Write;

use crate::bench::{Bench, append, host, load_through};
use crate::scenario::Scenario;

const GROUP: &str = "host library";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "a_host_library_shares_with_its_plugins",
            "this program opens a library, which loads a plugin; the two share, and this program has its own store",
            shares,
        ),
        Scenario::new(
            GROUP,
            "a_host_library_shares_with_its_plugins_on_every_thread",
            "two threads at once have their own values, which are dropped when the threads end",
            threads,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_cannot_have_two_hosts",
            "a library cannot load a plugin of this program, and this program cannot load a plugin of the library",
            one_host,
        ),
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        Scenario::new(
            GROUP,
            "a_library_in_a_namespace_of_its_own_is_no_executable",
            "a host library that dlmopen has loaded finds its values on every thread",
            namespace,
        ),
        Scenario::new(
            GROUP,
            "a_host_library_is_reported_by_its_own_name",
            "snapshots of a host that is a library name the library, not the program",
            own_name,
        ),
    ])
}

/// In a namespace of its own, a library is the first image that the system lists, as the executable is elsewhere.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn namespace(bench: &Bench) {
    if std::env::var_os(test_plan::SANITIZER).is_some_and(|value| value == "1") {
        // The sanitizer's runtime cannot be loaded twice.
        return;
    }
    let operations = bench.open_in_a_namespace("other-host-library");
    let count = move || [1, 2].map(|n| operations.call("counter_add", n).number());
    assert_eq!(count(), [1, 3]);
    assert_eq!(thread::spawn(count).join().expect("the thread does not panic"), [1, 3]);
    assert_eq!(host("counter_add", 0).number(), 0, "this program has its own store");
}

fn shares(bench: &Bench) {
    let (library, owner) = bench.open("host-library");
    let first = load_through(library, bench, "first").unwrap_or_else(|error| panic!("{error}"));
    for operation in ["counter_address", "registry_address", "tracked_address"] {
        let address = first.call(operation, 0).number();
        assert_eq!(owner.call(operation, 0).number(), address, "{operation}");
        assert_ne!(host(operation, 0).number(), address, "{operation}: this program has its own store");
    }
    assert_eq!(first.call("counter_add", 2).number(), 2);
    assert_eq!(owner.call("counter_add", 3).number(), 5);
    assert_eq!(first.call("counter_add", 0).number(), 5);
    assert_eq!(host("counter_add", 0).number(), 0, "this program has its own store");
    assert_eq!(first.call("plugin_counter_add", 1).number(), 101, "an item that only the plugin links");

    // A second plugin joins when the values exist.
    let second = load_through(library, bench, "second").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(second.call("counter_add", 4).number(), 9);
    assert_eq!(second.call("plugin_counter_add", 1).number(), 102);
}

fn threads(bench: &Bench) {
    let (library, owner) = bench.open("host-library");
    let first = load_through(library, bench, "first").unwrap_or_else(|error| panic!("{error}"));
    let barrier = Arc::new(Barrier::new(2));
    let threads = [1, 2].map(|n| {
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || {
            barrier.wait();
            let calls = if n == 1 { [first, owner] } else { [owner, first] };
            let sums = calls.map(|binary| binary.call("tracked_add", n * 100));
            let addresses = calls.map(|binary| binary.call("tracked_address", 0));
            barrier.wait();
            let alive = owner.call("alive", 0);
            barrier.wait();
            (n, sums, addresses, alive)
        })
    });
    let addresses = threads.map(|thread| {
        let (n, sums, addresses, alive) = thread.join().expect("the threads do not panic");
        assert_eq!(sums.map(test_api::Outcome::number), [n * 100, n * 200], "thread {n}");
        let [one, other] = addresses.map(test_api::Outcome::number);
        assert_eq!(one, other, "thread {n} has one value");
        assert_eq!(alive.number(), 2, "both threads have a value");
        one
    });
    assert_ne!(addresses[0], addresses[1], "each thread has its own value");
    assert_eq!(owner.call("alive", 0).number(), 0, "dropped when the threads ended");
    assert_eq!(first.call("alive", 0).number(), 0, "dropped when the threads ended");
}

fn one_host(bench: &Bench) {
    let (library, owner) = bench.open("host-library");
    let first = bench.load("first");
    let reason = load_through(library, bench, "first").expect_err("the plugin has a host");
    assert!(reason.contains("another host"), "{reason}");
    assert_eq!(first.call("counter_add", 1).number(), 1);
    assert_eq!(host("counter_add", 1).number(), 2, "still shared with this program");
    assert_eq!(owner.call("counter_add", 0).number(), 0, "not shared with the library");

    let second = load_through(library, bench, "second").unwrap_or_else(|error| panic!("{error}"));
    let reason = bench.try_load("second").expect_err("the plugin has a host").to_string();
    assert!(reason.contains("another host"), "{reason}");
    assert_eq!(second.call("counter_add", 7).number(), 7);
    assert_eq!(owner.call("counter_add", 0).number(), 7, "still shared with the library");
    assert_eq!(host("counter_add", 0).number(), 2, "not shared with this program");
}

fn own_name(bench: &Bench) {
    let (library, _) = bench.open("host-library");
    // SAFETY: the library exports `host_name` with this type. `append` accepts a `String`, which lives until the call
    // returns.
    let name = unsafe {
        let mut name = String::new();
        let host_name = library.get::<unsafe extern "C" fn(Write, *mut c_void)>(b"host_name");
        host_name.expect("the library exports `host_name`")(append, (&raw mut name).cast());
        name
    };
    let path = bench.path("host-library");
    assert_eq!(Some(name.as_str()), path.file_name().and_then(|name| name.to_str()));
}
