//! The end of a thread's values.

use std::thread;

use plugin_tls::Context;
use test_api::Operations;
use test_plan::Build;

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "ending";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "values_are_dropped_last_created_first",
            "at the end of a thread, whichever binary has made them",
            order,
        ),
        Scenario::new(
            GROUP,
            "a_destructor_of_the_host_uses_other_items",
            "also new ones; one that is dropped already is an error",
            |bench| curious(bench, "use_curious", false),
        ),
        Scenario::new(
            GROUP,
            "a_destructor_of_a_plugin_uses_other_items",
            "also new ones; one that is dropped already is an error",
            |bench| curious(bench, "use_plugin_curious", true),
        ),
        Scenario::new(
            GROUP,
            "access_after_the_end_is_an_error",
            "destructors of std's thread-locals, in host and plugin, that run after the thread's values are gone",
            after_the_end,
        ),
        Scenario::new(
            GROUP,
            "access_after_the_end_is_an_error_by_hand",
            "in a library that was connected by hand, whose own destructors are libc's",
            after_the_end_by_hand,
        )
        .only(Build::Apart),
        #[cfg(unix)]
        Scenario::new(
            GROUP,
            "access_after_the_end_of_a_foreign_thread_is_an_error",
            "the same on a thread that Rust has not started, whose first access is the plugin's",
            after_the_end_of_a_foreign_thread,
        ),
        Scenario::new(
            GROUP,
            "a_destructor_may_be_the_first_to_use_an_item",
            "a destructor of a thread-local of std's builds a value, which is dropped in turn",
            latecomer,
        ),
        Scenario::new(GROUP, "a_panicking_destructor_of_a_plugin_aborts", "with std's message", |bench| {
            bomb(*bench.load("first"), "use_plugin_bomb")
        })
        .aborts("thread local panicked on drop"),
        Scenario::new(
            GROUP,
            "a_panicking_destructor_of_the_host_aborts",
            "with std's message, also for a value that a plugin has used first",
            |bench| bomb(*bench.load("first"), "use_bomb"),
        )
        .aborts("thread local panicked on drop"),
        #[cfg(unix)]
        Scenario::new(
            GROUP,
            "values_of_the_main_thread_end_as_with_std",
            "dropped when the program ends if std's thread-locals are",
            main_thread,
        ),
    ])
}

/// What the log has after `operations`, by the host or by the plugin, on a thread that has ended.
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
    thread.join().expect("the operations work");
    host("log", 0).text().lines().map(str::to_owned).collect()
}

fn order(bench: &Bench) {
    let first = *bench.load("first");
    let log = log_of(first, &[("host", "use_earlier"), ("first", "use_between"), ("host", "use_later")]);
    assert_eq!(log, ["later dropped", "between dropped", "earlier dropped"]);

    // The other way around, and the plugin's own use of the host's items.
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
        // Values without a destructor stay, although this one was created later.
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

/// What a witness logs when the thread's values are gone.
fn after_the_values(who: &str) -> Vec<String> {
    testimony(who, ["Err(AccessError { reason: Destroyed })"; 3])
}

/// What a witness logs when the thread is ending: one value has been dropped, one is built anew, and one without a
/// destructor is still there.
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
    // The witness of the plugin is an entry of the thread's list like the values; the one of the host was there first, and
    // is libc's.
    let mut expected = vec!["earlier dropped".to_owned()];
    expected.extend(among_the_values("plugin"));
    expected.push("fresh dropped".to_owned());
    expected.extend(after_the_values("host"));
    assert_eq!(log, expected);
}

fn after_the_end_by_hand(bench: &Bench) {
    let by_hand = bench.open_by_hand();
    // SAFETY: the host's own context.
    unsafe { by_hand.connect(Context::get()) }.unwrap_or_else(|error| panic!("{error}"));
    let log = log_of(*by_hand, &[("first", "witness_of_plugin"), ("first", "use_earlier"), ("first", "counter_add")]);
    let mut expected = vec!["earlier dropped".to_owned()];
    expected.extend(after_the_values("plugin"));
    assert_eq!(log, expected, "nobody has taken over what the library leaves on threads");
}

#[cfg(unix)]
fn after_the_end_of_a_foreign_thread(bench: &Bench) {
    use std::ffi::c_void;
    use std::ptr;

    extern "C" fn start(first: *mut c_void) -> *mut c_void {
        // SAFETY: the operations below, which outlive the thread.
        let first = unsafe { &*first.cast::<Operations>() };
        for operation in ["witness_of_plugin", "use_earlier", "counter_add"] {
            first.call(operation, 0);
        }
        host("use_earlier", 0);
        ptr::null_mut()
    }

    let mut first = *bench.load("first");
    // SAFETY: a thread's name is a number or a pointer, for which zero is valid.
    let mut thread: libc::pthread_t = unsafe { std::mem::zeroed() };
    // SAFETY: `start` may run on any thread, and `first` lives until the thread has been joined.
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
        // This is after `main`, and after whatever destructors of the main thread run.
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
    // SAFETY: the function may run at the end of the program: it uses statics that are never dropped.
    let registered = unsafe { libc::atexit(at_exit) };
    assert_eq!(registered, 0);
}
