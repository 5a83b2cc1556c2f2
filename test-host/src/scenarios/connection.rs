//! Libraries that are connected by hand: when they can be connected, to which contexts, and how often.

use std::ffi::c_void;
use std::mem::transmute;
use std::ptr;
use std::sync::{Arc, Barrier};
use std::thread;

use abi_stable::library::RootModule;
use abi_stable::std_types::{ROption, RStr};
use plugin_tls::Context;
use test_api::Operations;
use test_api::stable_root::RootRef;

use crate::bench::{Bench, ByHand, host};
use crate::scenario::Scenario;

const GROUP: &str = "connection";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "an_access_in_an_unconnected_library_is_an_error",
            "try_with returns an error; with and statics panic; the library can be connected later",
            |bench| {
                let by_hand = bench.open_by_hand();
                assert_not_connected(*by_hand);
                assert_connects(&by_hand);
            },
        ),
        Scenario::new(
            GROUP,
            "opening_a_plugin_does_not_connect_it",
            "a library that calls export_plugin! never has its own store, even with the feature host",
            |bench| assert_not_connected(bench.open("first").1),
        ),
        Scenario::new(
            GROUP,
            "a_library_without_export_plugin_uses_its_own_store",
            "connecting the library after its first access is an error and changes nothing",
            used_locally,
        ),
        Scenario::new(
            GROUP,
            "initializing_again_with_the_same_context_works",
            "one call after the other, and calls from several threads at once",
            twice,
        ),
        Scenario::new(
            GROUP,
            "another_hosts_context_is_refused",
            "a connected library refuses another context and still shares with its host",
            other_host,
        ),
        Scenario::new(
            GROUP,
            "a_library_stays_with_its_first_host",
            "a library that another host has connected refuses this program's context",
            other_host_first,
        ),
        Scenario::new(
            GROUP,
            "damaged_contexts_are_refused",
            "each error tells what is wrong with the context; the library can be connected afterwards",
            damaged,
        ),
        Scenario::new(
            GROUP,
            "a_context_of_a_newer_minor_version_is_accepted",
            "the host's table has more entries than the library knows",
            newer_minor,
        ),
        Scenario::new(
            GROUP,
            "an_abi_stable_root_module_can_take_a_context",
            "the loader of abi_stable checks the layout of the context",
            stable_root,
        ),
    ])
}

fn assert_not_connected(library: Operations) {
    for _ in 0..2 {
        assert_eq!(library.call("counter_try", 0).text(), "Err(AccessError { reason: NotConnected })");
        for (operation, item) in
            [("counter_add", "test_api::items::COUNTER"), ("registered", "test_api::items::REGISTRY")]
        {
            let message = library.call(operation, 1).panic();
            for part in [item, "Plugin::load", "Context::initialize"] {
                assert!(message.contains(part), "{operation}: no {part} in: {message}");
            }
        }
    }
}

/// Connects the library to this program and asserts that they share values.
fn assert_connects(by_hand: &ByHand) {
    // SAFETY: this program's own context is valid as long as the process runs.
    unsafe { by_hand.connect(Context::get()) }.unwrap_or_else(|error| panic!("{error}"));
    assert_shares(**by_hand);
}

fn assert_shares(library: Operations) {
    for operation in ["counter_address", "registry_address", "tracked_address"] {
        assert_eq!(library.call(operation, 0).number(), host(operation, 0).number(), "{operation}");
    }
    let sum = host("counter_add", 1).number();
    assert_eq!(library.call("counter_add", 10).number(), sum + 10);
    assert_eq!(host("counter_add", 0).number(), sum + 10);
    library.call("register", sum).number();
    assert_eq!(library.call("registered", 0).text(), host("registered", 0).text());
}

/// Asserts that `outcome` is an error with this debug form and this text in its display form.
#[track_caller]
fn assert_error(what: &str, outcome: Result<(), String>, debug: &str, display: &str) {
    let error = outcome.expect_err(what);
    let (found, text) = error.split_once('\n').expect("the error has both forms");
    assert!(found.starts_with(debug), "{what}: {error}");
    assert!(text.contains(display), "{what}: no {display:?} in: {text}");
}

fn used_locally(bench: &Bench) {
    let by_hand = bench.open_for_connection("other-host-library");
    assert_eq!(host("counter_add", 1).number(), 1);
    assert_eq!(by_hand.call("counter_add", 5).number(), 5, "the library has its own value");
    let places = ["counter_address", "registry_address"];
    let before = places.map(|operation| by_hand.call(operation, 0).number());
    assert_ne!(before, places.map(|operation| host(operation, 0).number()), "the library has its own store");
    for _ in 0..2 {
        // SAFETY: this program's own context is valid as long as the process runs.
        let outcome = unsafe { by_hand.connect(Context::get()) };
        assert_error("after an access", outcome, "UsedLocally", "before it was connected");
        assert_eq!(by_hand.call("counter_add", 0).number(), 5, "nothing changed");
        assert_eq!(places.map(|operation| by_hand.call(operation, 0).number()), before, "nothing changed");
    }
    assert_eq!(host("counter_add", 0).number(), 1, "nothing changed in the host");
}

fn twice(bench: &Bench) {
    let by_hand = Arc::new(bench.open_by_hand());
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (by_hand, barrier) = (Arc::clone(&by_hand), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                // SAFETY: this program's own context is valid as long as the process runs.
                let outcome = unsafe { by_hand.connect(Context::get()) };
                (outcome, by_hand.call("registry_address", 0))
            })
        })
        .collect();
    for thread in threads {
        let (outcome, address) = thread.join().expect("the threads do not panic");
        assert_eq!(outcome, Ok(()));
        assert_eq!(address, host("registry_address", 0));
    }
    for _ in 0..2 {
        assert_connects(&by_hand);
    }
}

/// Opens a library that has its own store. Returns the context of that store and the library's operations.
fn other_context(bench: &Bench) -> (Context, Operations) {
    let (library, operations) = bench.open("other-host-library");
    // SAFETY: the library exports `context` with this type.
    let context = unsafe { library.get::<extern "C" fn() -> Context>(b"context") }.expect("the library has a context");
    (context(), operations)
}

fn other_host(bench: &Bench) {
    let by_hand = bench.open_by_hand();
    assert_connects(&by_hand);
    let (context, other) = other_context(bench);
    // SAFETY: the context is valid, because `Bench::open` never closes the other library.
    let outcome = unsafe { by_hand.connect(context) };
    assert_error("another host's context", outcome, "OtherHost", "another host");
    assert_eq!(other.call("counter_add", 0).number(), 0, "the other host does not share");
    assert_connects(&by_hand);
}

fn other_host_first(bench: &Bench) {
    let by_hand = bench.open_by_hand();
    let (context, other) = other_context(bench);
    // SAFETY: the context is valid, because `Bench::open` never closes the other library.
    unsafe { by_hand.connect(context) }.unwrap_or_else(|error| panic!("{error}"));
    // SAFETY: this program's own context is valid as long as the process runs.
    let outcome = unsafe { by_hand.connect(Context::get()) };
    assert_error("this program's context", outcome, "OtherHost", "another host");
    let check = move || {
        let before = other.call("counter_add", 0).number();
        assert_eq!(by_hand.call("counter_add", 3).number(), before + 3);
        assert_eq!(other.call("counter_add", 0).number(), before + 3, "shared with the other host");
        assert_eq!(host("counter_add", 0).number(), 0, "not shared with this program");
    };
    check();
    thread::spawn(check).join().expect("the same on another thread");
}

/// Has the layout of the table that a context points to.
#[repr(C)]
#[derive(Clone, Copy)]
struct Table {
    magic: u64,
    major: u16,
    minor: u16,
    size: u32,
    /// Functions and the argument of the first one.
    entries: [*const c_void; 7],
    /// Functions that may be null.
    takeover: [*const c_void; 5],
}

/// The positions of the required functions in `entries`, and their names.
const FUNCTIONS: [(usize, &str); 5] = [(1, "row"), (3, "connect"), (4, "register"), (5, "local"), (6, "process")];

impl Table {
    /// A copy of this program's table.
    fn own() -> Self {
        // SAFETY: a context is a pointer to a table, which lives as long as the process. `Table` has its layout.
        unsafe { *transmute::<Context, *const Table>(Context::get()) }
    }

    fn with(change: impl FnOnce(&mut Table)) -> Context {
        let mut table = Table::own();
        change(&mut table);
        context_to(Box::leak(Box::new(table)))
    }
}

/// A context that points to `target`.
fn context_to<T>(target: *const T) -> Context {
    // SAFETY: a context is a single pointer. It may have any value until the context is used.
    unsafe { transmute::<*const T, Context>(target) }
}

fn damaged(bench: &Bench) {
    let by_hand = bench.open_by_hand();
    let refuse = |what: &str, context: Context, debug: &str, display: &str| {
        // SAFETY: the context is null or points to leaked memory. `initialize` reads only the header unless a whole
        // table is there.
        let outcome = unsafe { by_hand.connect(context) };
        assert_error(what, outcome, debug, display);
    };
    refuse("null", context_to::<u8>(ptr::null()), "Null", "null");
    refuse("zeros", context_to(Box::leak(Box::new([0_u64; 2]))), "NotAContext", "0x0000000000000000");
    let other_magic = Table::with(|table| table.magic = 0x1122_3344_5566_7788);
    refuse("another magic number", other_magic, "NotAContext", "0x1122334455667788");
    let table = Table::own();
    let shifted: &mut [u8; size_of::<Table>() + 8] = Box::leak(Box::new([0; size_of::<Table>() + 8]));
    let odd = shifted.as_mut_ptr().map_addr(|address| address | 1);
    // SAFETY: the memory has room for a table at any of its first nine bytes, and the write does not need alignment.
    unsafe { odd.cast::<Table>().write_unaligned(table) };
    refuse("a table that is not aligned", context_to(odd), "NotAContext", "does not point at");

    let major = table.major;
    for (what, changed) in [("a newer major version", major + 1), ("an older major version", major - 1)] {
        let debug = format!("AbiMajor {{ host: {changed}, plugin: {major} }}");
        refuse(what, Table::with(|table| table.major = changed), &debug, "major version");
    }

    let needed = table.size;
    assert_eq!(needed as usize, size_of::<Table>(), "this scenario knows the layout of the table");
    for size in [0, 16, needed - 1] {
        let debug = format!("Truncated {{ found: {size}, needed: {needed} }}");
        // Only the memory of the header is readable.
        let header = [table.magic, u64::from(major) | u64::from(table.minor) << 16 | u64::from(size) << 32];
        #[cfg(target_endian = "little")]
        refuse("only a header", context_to(Box::leak(Box::new(header))), &debug, "bytes");
        refuse("a truncated table", Table::with(|table| table.size = size), &debug, "bytes");
    }

    for (position, entry) in FUNCTIONS {
        let context = Table::with(|table| table.entries[position] = ptr::null());
        refuse("a missing entry", context, &format!("MissingEntry {{ entry: {entry:?} }}"), entry);
    }
    assert_connects(&by_hand);
}

fn newer_minor(bench: &Bench) {
    #[repr(C)]
    struct Newer {
        table: Table,
        more: [*const c_void; 4],
    }
    let mut table = Table::own();
    table.minor += 7;
    table.size = size_of::<Newer>() as u32;
    let newer = Box::leak(Box::new(Newer { table, more: [ptr::null(); 4] }));
    let by_hand = bench.open_by_hand();
    // SAFETY: the table is leaked, and its entries are those of this program's own table.
    unsafe { by_hand.connect(context_to(newer)) }.unwrap_or_else(|error| panic!("{error}"));
    assert!(newer.more.iter().all(|entry| entry.is_null()));
    assert_shares(*by_hand);
}

fn stable_root(bench: &Bench) {
    let root = RootRef::load_from_file(&bench.path("stable-root")).unwrap_or_else(|error| panic!("{error}"));
    let run = |name: &str, argument| match root.run()(RStr::from(name), argument) {
        ROption::RSome(number) => number,
        ROption::RNone => panic!("{name} did not work"),
    };
    for _ in 0..2 {
        root.connect()(Context::get().into()).into_result().unwrap_or_else(|error| panic!("{error}"));
    }
    for operation in ["counter_address", "registry_address"] {
        assert_eq!(run(operation, 0), host(operation, 0).number(), "{operation}");
    }
    assert_eq!(host("counter_add", 2).number(), 2);
    assert_eq!(run("counter_add", 3), 5);
    assert_eq!(host("counter_add", 0).number(), 5);
}
