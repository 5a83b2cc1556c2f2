//! Threads of the host, of plugins and of other code.

use std::collections::HashSet;
use std::sync::{Arc, Barrier};
use std::thread;

use test_api::{Operations, Outcome};

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "threads";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "another_thread_has_its_own_value",
            "a thread of the host has its own value of a thread-local and the same static, in host and plugin",
            own_value,
        ),
        Scenario::new(
            GROUP,
            "a_thread_of_the_plugin_has_its_own_value",
            "a thread that a plugin starts has its own values, which are dropped when it ends",
            plugin_thread,
        ),
        #[cfg(unix)]
        Scenario::new(
            GROUP,
            "a_foreign_thread_has_its_own_value",
            "a thread that std did not start has its own values, which are dropped when it ends",
            foreign_thread,
        ),
        Scenario::new(
            GROUP,
            "fifty_threads_have_their_own_values",
            "each of fifty threads has one value, which it accesses in three binaries",
            fifty_threads,
        ),
    ])
}

fn own_value(bench: &Bench) {
    let first = *bench.load("first");
    assert_eq!(first.call("counter_add", 5).number(), 5);
    let (local, process) = (host("counter_address", 0), host("registry_address", 0));
    let other = thread::spawn(move || {
        let before = [host("counter_add", 0).number(), first.call("counter_add", 0).number()];
        let sums = [host("counter_add", 10).number(), first.call("counter_add", 20).number()];
        let locals = [host("counter_address", 0), first.call("counter_address", 0)];
        let processes = [host("registry_address", 0), first.call("registry_address", 0)];
        (before, sums, locals, processes)
    });
    let (before, sums, locals, processes) = other.join().expect("the thread does not panic");
    assert_eq!(before, [0, 0], "a fresh value");
    assert_eq!(sums, [10, 30], "one value for host and plugin");
    assert_eq!(locals[0], locals[1], "host and plugin see one value");
    assert_ne!(locals[0], local, "the main thread has another value, which still lives");
    assert_eq!(processes, [process.clone(), process], "one static for the process");
    assert_eq!([host("counter_add", 0).number(), first.call("counter_add", 0).number()], [5, 5], "untouched");
}

fn plugin_thread(bench: &Bench) {
    let first = bench.load("first");
    assert_eq!(host("counter_add", 5).number(), 5);
    assert_eq!(first.call("spawned_counter_add", 3).number(), 3, "a fresh value");
    assert_eq!(first.call("spawned_counter_add", 4).number(), 4, "another fresh value");
    assert_ne!(first.call("spawned_counter_address", 0), host("counter_address", 0));
    assert_eq!(first.call("spawned_registry_address", 0), host("registry_address", 0));
    assert_eq!(first.call("counter_add", 0).number(), 5, "untouched");

    assert_eq!(first.call("spawned_tracked_alive", 0).number(), 1, "the thread's value");
    assert_eq!(host("alive", 0).number(), 0, "dropped when the thread ended");
    assert_eq!(first.call("alive", 0).number(), 0, "dropped when the thread ended");
}

#[cfg(unix)]
fn foreign_thread(bench: &Bench) {
    use std::ffi::c_void;
    use std::ptr;

    struct Visit {
        first: Operations,
        /// The main thread checks these, because a panic must not unwind out of `start`.
        outcomes: Vec<Outcome>,
    }

    extern "C" fn start(visit: *mut c_void) -> *mut c_void {
        // SAFETY: the argument points to the visit below, which outlives the thread. Nothing else uses it until the
        // thread is joined.
        let visit = unsafe { &mut *visit.cast::<Visit>() };
        visit.outcomes = vec![
            // The plugin makes the first access on this thread.
            visit.first.call("counter_add", 2),
            host("counter_add", 2),
            visit.first.call("tracked_add", 1),
            host("tracked_add", 1),
            visit.first.call("use_plugin_tracked", 0),
            host("alive", 0),
        ];
        ptr::null_mut()
    }

    let first = *bench.load("first");
    assert_eq!(host("counter_add", 9).number(), 9);
    let mut visit = Visit { first, outcomes: Vec::new() };
    for round in 0..3 {
        // SAFETY: `pthread_t` is an integer or a pointer, for which zero is valid.
        let mut thread: libc::pthread_t = unsafe { std::mem::zeroed() };
        // SAFETY: `start` may run on any thread. `visit` lives until the thread has been joined.
        let joined = unsafe {
            let created = libc::pthread_create(&raw mut thread, ptr::null(), start, (&raw mut visit).cast());
            assert_eq!(created, 0, "the thread starts");
            libc::pthread_join(thread, ptr::null_mut())
        };
        assert_eq!(joined, 0, "the thread has ended");
        let outcomes: Vec<_> = visit.outcomes.drain(..).map(Outcome::number).collect();
        assert_eq!(outcomes[..4], [2, 4, 1, 2], "fresh values, shared by plugin and host, round {round}");
        assert_eq!(outcomes[5], 2, "two values of the thread are counted, round {round}");
        assert_eq!(host("alive", 0).number(), 0, "dropped when the thread ended, round {round}");
    }
    assert_eq!(first.call("counter_add", 0).number(), 9, "untouched");
}

fn fifty_threads(bench: &Bench) {
    const THREADS: u64 = 50;
    let (first, second) = (*bench.load("first"), *bench.load("second"));
    let barrier = Arc::new(Barrier::new(THREADS as usize));
    let threads: Vec<_> = (1..=THREADS)
        .map(|n| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                // Nothing here may panic, because the other threads would wait at the barrier forever.
                let mut sums = Vec::new();
                let mut addresses = Vec::new();
                let call = |binary: u64, name: &str, argument| match binary % 3 {
                    0 => host(name, argument),
                    1 => first.call(name, argument),
                    _ => second.call(name, argument),
                };
                // Rotate, so that each binary makes the first access on some threads.
                for turn in 0..3 {
                    barrier.wait();
                    sums.push(call(n + turn, "counter_add", n * 1000));
                    call(n + turn, "use_plugin_tracked", 0);
                    call(n + turn, "tracked_add", 1);
                    addresses.push(call(n + turn, "tracked_address", 0));
                }
                barrier.wait();
                let alive = host("alive", 0);
                // Keep the values alive until all threads have counted.
                barrier.wait();
                (n, sums, addresses, alive)
            })
        })
        .collect();
    let mut seen = HashSet::new();
    for thread in threads {
        let (n, sums, addresses, alive) = thread.join().expect("the threads do not panic");
        let sums: Vec<_> = sums.into_iter().map(Outcome::number).collect();
        assert_eq!(sums, [n * 1000, n * 2000, n * 3000], "thread {n} has its own value, in all three binaries");
        let addresses: HashSet<_> = addresses.into_iter().map(Outcome::number).collect();
        assert_eq!(addresses.len(), 1, "thread {n} has one value for all three binaries");
        assert!(seen.is_disjoint(&addresses), "thread {n} shares its value with another thread");
        seen.extend(addresses);
        // Each thread has a value of an item of the host and one of an item that only plugins link.
        assert_eq!(alive.number(), 2 * THREADS, "all values are alive at once");
    }
    assert_eq!(host("alive", 0).number(), 0, "all values are dropped");
}
