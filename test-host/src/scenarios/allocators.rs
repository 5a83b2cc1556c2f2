//! Hosts with allocators of their own. What one side allocates, the other grows and frees.

use libloading::Library;
use plugin_tls::Context;
use test_api::Operations;

use crate::bench::{Bench, host, load_through};
use crate::counting;
use crate::scenario::Scenario;

const GROUP: &str = "allocators";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "values_move_between_a_plugin_and_a_host_that_counts",
            "the allocator of this program counts what a plugin allocates and what the program frees of it",
            counts,
        ),
        Scenario::new(
            GROUP,
            "values_move_between_a_plugin_and_a_host_that_checks",
            "the allocator of a host library aborts at a block that is not its own",
            |bench| moves(bench, "checking-host-library"),
        ),
        Scenario::new(
            GROUP,
            "values_move_between_a_plugin_and_a_host_with_mimalloc",
            "a host library and a plugin grow and free what the other has allocated",
            |bench| moves(bench, "mimalloc-host-library"),
        ),
        Scenario::new(
            GROUP,
            "no_block_of_a_plugin_is_left_in_a_host_that_checks",
            "all blocks that a plugin allocates through a host library are freed there",
            blocks,
        ),
        Scenario::new(
            GROUP,
            "a_reloaded_plugin_leaves_no_memory_in_its_host",
            "after each unload, this program has as much memory in use as before",
            reload,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_with_another_allocator_is_refused",
            "a host with an allocator of its own refuses a plugin that uses the system's, loaded or by hand",
            refused,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_that_ends_in_the_same_allocator_is_accepted",
            "two allocators that count and pass on to the system's are the same",
            accepted,
        ),
        Scenario::new(
            GROUP,
            "a_library_that_is_opened_by_hand_allocates_through_the_executable",
            "its host is the program that was there before it",
            by_hand,
        ),
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        Scenario::new(
            GROUP,
            "a_plugin_that_sees_no_host_uses_the_systems_allocator",
            "a library in a namespace of its own sees no other image with a store",
            namespace,
        ),
    ])
}

/// Whether plugins find the allocators of hosts on this system.
const SUPPORTED: bool = cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));

/// Both sides grow and free what the other has allocated.
fn exchange(plugin: Operations, owner: impl Fn(&str, u64) -> test_api::Outcome) {
    // On Linux, a constructor has allocated this before the host knew the plugin.
    plugin.call("move_early", 0).number();
    assert_eq!(owner("user", 0).text(), "made by a constructor");
    owner("user_grow", 1000).number();
    plugin.call("user_grow", 1000).number();
    owner("user_shrink", 0).number();
    plugin.call("user_grow", 1).number();
    assert_eq!(owner("user_forget", 0).text(), "made and another");
    owner("user_set", 7).number();
    plugin.call("user_grow", 100).number();
    assert_eq!(plugin.call("user_forget", 0).text().len(), 8 + 100 * 12);

    owner("greetings_add", 1).number();
    plugin.call("greetings_add", 100).number();
    owner("greetings_add", 100).number();
    assert_eq!(owner("greetings", 0).text(), "Hello, Bob! ".repeat(201));
    assert_eq!(plugin.call("greetings", 0).text(), "Hello, Bob! ".repeat(201));
    plugin.call("greetings_forget", 0).number();
    plugin.call("greetings_add", 50).number();
    owner("greetings_forget", 0).number();

    for size in [1, 100, 100_000] {
        assert_eq!(plugin.call("every_function", size).number(), 1, "{size}");
    }
}

fn moves(bench: &Bench, library: &str) {
    let (library, owner) = bench.open(library);
    let plugin = load_through(library, bench, "allocating").unwrap_or_else(|error| panic!("{error}"));
    exchange(plugin, |operation, argument| owner.call(operation, argument));
    // On a thread of the host, whose values the host drops.
    std::thread::spawn(move || {
        plugin.call("user_grow", 10).number();
        owner.call("user_grow", 10).number();
    })
    .join()
    .expect("the thread does not panic");
    assert_eq!(host("user", 0).text(), "nobody", "this program has its own store");
}

fn counts(bench: &Bench) {
    let plugin = bench.load("allocating");
    exchange(plugin.operations(), host);
    let before = counting::in_use();
    plugin.call("user_grow", 1000).number();
    assert!(!SUPPORTED || counting::in_use() >= before + 12_000, "the plugin's memory is this program's");
    host("user_forget", 0).text();
    assert!(counting::in_use() <= before, "freed once");
}

fn blocks(bench: &Bench) {
    let (library, owner) = bench.open("checking-host-library");
    let plugin = load_through(library, bench, "allocating").unwrap_or_else(|error| panic!("{error}"));
    let call = |operation: &str, argument| owner.call(operation, argument);
    exchange(plugin, call);
    let blocks = || {
        plugin.call("user_forget", 0).text();
        owner.call("blocks", 0).number()
    };
    let before = blocks();
    plugin.call("user_set", 1).number();
    assert_eq!(owner.call("blocks", 0).number(), before + u64::from(SUPPORTED), "one block more");
    assert_eq!(blocks(), before);
    for _ in 0..100 {
        plugin.call("user_grow", 10).number();
        owner.call("user_grow", 10).number();
        owner.call("user_forget", 0).text();
        assert_eq!(blocks(), before);
    }
}

fn reload(bench: &Bench) {
    let cycle = || {
        let plugin = bench.load("allocating");
        exchange(plugin.operations(), host);
        // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
        let unloaded = unsafe { plugin.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
        assert!(unloaded.is_unmapped(), "{unloaded}");
    };
    // Tables grow and caches fill.
    (0..3).for_each(|_| cycle());
    let before = counting::in_use();
    (0..10).for_each(|_| cycle());
    let left = counting::in_use().wrapping_sub(before) as isize;
    assert!(left < 100, "{left} bytes are left");
}

fn refused(bench: &Bench) {
    // AddressSanitizer's allocator does not tell what it has mapped.
    let is_known = cfg!(all(target_os = "linux", target_env = "gnu")) && !is_sanitized();
    if !is_known {
        let (library, _) = bench.open("checking-host-library");
        load_through(library, bench, "own-allocator").expect("what is not known is not refused");
        return;
    }
    for library in ["checking-host-library", "mimalloc-host-library"] {
        let (library, _) = bench.open(library);
        for plugin in ["own-allocator", "linked-one"] {
            let outcome = load_through(library, bench, plugin);
            let Err(reason) = outcome else { panic!("{plugin} has another allocator than {library:?}") };
            assert!(reason.contains("another global allocator than the host"), "{reason}");
        }
    }
    let (library, _) = bench.open("checking-host-library");
    let by_hand = bench.open_by_hand();
    // SAFETY: the library exports `context` with this type, and is never closed.
    let reason = unsafe { by_hand.connect(context(library)) }.expect_err("it allocates through this program");
    assert!(reason.contains("another global allocator than the host"), "{reason}");
    // SAFETY: this program outlives the library.
    unsafe { by_hand.connect(Context::get()) }.expect("it allocates through this program");
}

/// The context of a host library.
fn context(library: &Library) -> Context {
    // SAFETY: the library exports `context` with this type.
    unsafe { library.get::<extern "C" fn() -> Context>(b"context").expect("the library is a host")() }
}

fn is_sanitized() -> bool {
    std::env::var_os(test_plan::SANITIZER).is_some_and(|value| value == "1")
}

fn accepted(bench: &Bench) {
    bench.load("own-allocator").call("counter_add", 1).number();
    bench.try_load("linked-one").unwrap_or_else(|error| panic!("{error}"));
}

fn by_hand(bench: &Bench) {
    let by_hand = bench.open_by_hand();
    // SAFETY: this program outlives the library.
    unsafe { by_hand.connect(Context::get()) }.unwrap_or_else(|error| panic!("{error}"));
    by_hand.call("user_forget", 0).text();
    let before = counting::in_use();
    by_hand.call("user_grow", 1000).number();
    assert!(!SUPPORTED || counting::in_use() >= before + 12_000, "the library's memory is this program's");
    host("user_forget", 0).text();
    assert!(counting::in_use() <= before);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn namespace(bench: &Bench) {
    if is_sanitized() {
        // The sanitizer's runtime cannot be loaded twice.
        return;
    }
    let operations = bench.open_in_a_namespace("by-hand");
    let before = counting::in_use();
    let error = operations.call("user_grow", 1).panic();
    assert!(error.contains("not connected"), "{error}");
    drop(error);
    assert_eq!(counting::in_use(), before, "the library does not allocate through this program");
}
