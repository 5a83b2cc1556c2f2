//! How the values of a thread are dropped when the thread ends.

use std::thread;

use plugin_tls::Context;
use test_api::Operations;

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "ending";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "values_are_dropped_in_reverse_order_of_creation",
            "the order at the end of a thread does not depend on which binary created the values",
            order,
        ),
        Scenario::new(
            GROUP,
            "a_destructor_of_the_host_uses_other_items",
            "it can also create new values; an access to a value that was dropped is an error",
            |bench| curious(bench, "use_curious", false),
        ),
        Scenario::new(
            GROUP,
            "a_destructor_of_a_plugin_uses_other_items",
            "it can also create new values; an access to a value that was dropped is an error",
            |bench| curious(bench, "use_plugin_curious", true),
        ),
        Scenario::new(
            GROUP,
            "access_after_destruction_is_an_error",
            "destructors of std's thread-locals, in the host and in a plugin, access values that were dropped",
            after_the_end,
        ),
        Scenario::new(
            GROUP,
            "access_after_destruction_is_an_error_if_connected_by_hand",
            "libc runs the destructors of a library that was connected by hand, after all values were dropped",
            after_the_end_by_hand,
        ),
        #[cfg(unix)]
        Scenario::new(
            GROUP,
            "access_after_destruction_is_an_error_on_a_foreign_thread",
            "std did not start the thread, and the plugin makes the first access",
            after_the_end_of_a_foreign_thread,
        ),
        Scenario::new(
            GROUP,
            "a_destructor_of_std_can_create_a_value",
            "the destructor of one of std's thread-locals creates a value, which is dropped afterwards",
            latecomer,
        ),
        Scenario::new(GROUP, "a_panicking_destructor_of_a_plugin_aborts", "the message names the item", |bench| {
            bomb(*bench.load("first"), "use_plugin_bomb")
        })
        .aborts("thread local `test_plugin_api::ending::BOMB` panicked on drop, aborting"),
        Scenario::new(
            GROUP,
            "a_panicking_destructor_of_the_host_aborts",
            "the message names the item, even if a plugin made the first access to the value",
            |bench| bomb(*bench.load("first"), "use_bomb"),
        )
        .aborts("thread local `test_api::ending::BOMB` panicked on drop, aborting"),
        #[cfg(unix)]
        Scenario::new(
            GROUP,
            "values_of_the_main_thread_are_dropped_if_stds_are",
            "shared values are dropped at the end of the program on systems where std's thread-locals are",
            main_thread,
        ),
    ])
}

/// Runs operations of the host or the plugin on a new thread. Returns the log after the thread has ended.
fn log_of(first: Operations, operations: &'static [(&'static str, &'static str)]) -> Vec<String> {
    let thread = thread::spawn(move || {
        for (binary, operation) in operations {
            match *binary {
                "host" => host(operation, 7),
                _ => first.call(operation, 7),
            }
            .number();
        }
    });
    thread.join().expect("the operations succeed");
    host("log", 0).text().lines().map(str::to_owned).collect()
}

fn order(bench: &Bench) {
    let first = *bench.load("first");
    let log = log_of(first, &[("host", "use_earlier"), ("first", "use_between"), ("host", "use_later")]);
    assert_eq!(log, ["later dropped", "between dropped", "earlier dropped"]);

    // The opposite order, with all accesses in the plugin.
    let log = log_of(first, &[("first", "use_later"), ("first", "use_between"), ("first", "use_earlier")]);
    assert_eq!(log[3..], ["earlier dropped", "between dropped", "later dropped"]);
}

fn curious(bench: &Bench, operation: &'static str, of_plugin: bool) {
    let first = *bench.load("first");
    let log = if of_plugin {
        log_of(
            first,
            &[("host", "use_earlier"), ("first", "use_plugin_curious"), ("first", "set_plain"), ("host", "use_later")],
        )
    } else {
        log_of(
            first,
            &[("first", "use_earlier"), ("first", "use_curious"), ("first", "set_plain"), ("first", "use_later")],
        )
    };
    let mut expected = vec![
        "later dropped",
        "earlier is there",
        "later: AccessError { reason: Destroyed }",
        "fresh is there",
        // Values without a destructor stay accessible, even if they were created later.
        "plain is 7",
    ];
    if of_plugin {
        expected.push("fresh of the plugin is there");
    }
    expected.push("curious itself: AccessError { reason: Destroyed }");
    if of_plugin {
        expected.push("fresh of the plugin dropped");
    }
    expected.extend(["fresh dropped", "earlier dropped"]);
    assert_eq!(log, expected, "{operation}");
}

/// The log of a witness that is dropped after all values of the thread.
fn after_the_values(who: &str) -> Vec<String> {
    testimony(who, ["Err(AccessError { reason: Destroyed })"; 3])
}

/// The log of a witness that is dropped among the values of the thread: the first value was dropped, the second is
/// created anew, and the third has no destructor and is still accessible.
fn among_the_values(who: &str) -> Vec<String> {
    testimony(who, ["Err(AccessError { reason: Destroyed })", "Ok(())", "Ok(())"])
}

fn testimony(who: &str, accesses: [&str; 3]) -> Vec<String> {
    let panic = "cannot access a Thread Local Storage value during or after destruction";
    accesses.into_iter().chain([panic]).map(|line| format!("{who}: {line}")).collect()
}

fn after_the_end(bench: &Bench) {
    let first = *bench.load("first");
    let log = log_of(
        first,
        &[
            ("host", "witness_of_host"),
            ("first", "witness_of_plugin"),
            ("first", "use_earlier"),
            ("host", "use_earlier"),
            ("first", "counter_add"),
        ],
    );
    // The library runs the destructor of the plugin's witness among those of the values. Libc runs the destructor of
    // the host's witness, after those of all values.
    let mut expected = vec!["earlier dropped".to_owned()];
    expected.extend(among_the_values("plugin"));
    expected.push("fresh dropped".to_owned());
    expected.extend(after_the_values("host"));
    assert_eq!(log, expected);
}

fn after_the_end_by_hand(bench: &Bench) {
    let by_hand = bench.open_by_hand();
    // SAFETY: the host's own context is valid as long as the process runs.
    unsafe { by_hand.connect(Context::get()) }.unwrap_or_else(|error| panic!("{error}"));
    let log = log_of(*by_hand, &[("first", "witness_of_plugin"), ("first", "use_earlier"), ("first", "counter_add")]);
    let mut expected = vec!["earlier dropped".to_owned()];
    expected.extend(after_the_values("plugin"));
    assert_eq!(log, expected, "libc runs the library's destructors");
}

#[cfg(unix)]
fn after_the_end_of_a_foreign_thread(bench: &Bench) {
    use std::ffi::c_void;
    use std::ptr;

    extern "C" fn start(first: *mut c_void) -> *mut c_void {
        // SAFETY: the argument points to the operations below, which outlive the thread.
        let first = unsafe { &*first.cast::<Operations>() };
        for operation in ["witness_of_plugin", "use_earlier", "counter_add"] {
            first.call(operation, 0);
        }
        host("use_earlier", 0);
        ptr::null_mut()
    }

    let mut first = *bench.load("first");
    // SAFETY: `pthread_t` is an integer or a pointer, for which zero is valid.
    let mut thread: libc::pthread_t = unsafe { std::mem::zeroed() };
    // SAFETY: `start` may run on any thread. `first` lives until the thread has been joined.
    let joined = unsafe {
        let created = libc::pthread_create(&raw mut thread, ptr::null(), start, (&raw mut first).cast());
        assert_eq!(created, 0, "the thread starts");
        libc::pthread_join(thread, ptr::null_mut())
    };
    assert_eq!(joined, 0, "the thread has ended");
    let mut expected = vec!["earlier dropped".to_owned()];
    expected.extend(among_the_values("plugin"));
    expected.push("fresh dropped".to_owned());
    assert_eq!(host("log", 0).text(), expected.join("\n"));
}

fn latecomer(bench: &Bench) {
    let first = *bench.load("first");
    assert_eq!(log_of(first, &[("first", "latecomer")]), ["fresh is there", "fresh dropped"]);
    assert_eq!(log_of(first, &[("host", "latecomer")])[2..], ["fresh is there", "fresh dropped"]);
}

fn bomb(first: Operations, operation: &'static str) {
    log_of(first, [[("first", operation)]].concat().leak());
    panic!("the bomb did not go off");
}

#[cfg(unix)]
fn main_thread(bench: &Bench) {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    struct OfStd;

    impl Drop for OfStd {
        fn drop(&mut self) {
            DROPPED.store(true, SeqCst);
        }
    }

    static DROPPED: AtomicBool = AtomicBool::new(false);
    std::thread_local!(static OF_STD: OfStd = const { OfStd });

    extern "C" fn at_exit() {
        // This runs after `main` and after the destructors of the main thread.
        let (dropped, alive) = (DROPPED.load(SeqCst), host("alive", 0));
        let expected = if dropped { 0 } else { 2 };
        if alive != expected.into() {
            eprintln!("std's thread-local is dropped: {dropped}; shared values that are alive: {alive:?}");
            std::process::abort();
        }
    }

    let first = bench.load("first");
    OF_STD.with(|_| ());
    first.call("tracked_add", 1).number();
    first.call("use_plugin_tracked", 0).number();
    assert_eq!(host("alive", 0).number(), 2);
    // SAFETY: `at_exit` may run at the end of the program, because it only uses statics that are never dropped.
    let registered = unsafe { libc::atexit(at_exit) };
    assert_eq!(registered, 0);
}
