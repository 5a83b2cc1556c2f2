//! Items that a plugin registers at their first access. The plugin `late` declares the same items as this module.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use test_api::outcome::address;

use crate::bench::Bench;
use crate::scenario::Scenario;

const GROUP: &str = "late registration";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "an_item_registered_at_its_first_access_is_shared",
            "the plugin registers an item when it uses it instead of when it is loaded",
            shared,
        ),
        Scenario::new(
            GROUP,
            "an_item_of_another_type_is_refused_at_its_first_access",
            "try_with returns an error; with and statics panic with a report that names both declarations",
            mismatch,
        ),
    ])
}

/// The plugin's items of this name have other types.
type Number = u64;

plugin_tls::thread_local! {
    static SHARED: Cell<u64> = const { Cell::new(1) };
    static MISMATCH: Cell<Number> = const { Cell::new(1) };
}

plugin_tls::lazy_static! {
    static ref SHARED_STATIC: AtomicU64 = AtomicU64::new(1);
    static ref MISMATCH_STATIC: Number = 1;
}

fn shared(bench: &Bench) {
    let late = *bench.load("late");
    let check = move |added: u64| {
        assert_eq!(late.call("late_add", 1).number(), 2);
        SHARED.set(SHARED.get() + 10);
        assert_eq!(late.call("late_add", 0).number(), 12);
        assert_eq!(late.call("late_address", 0), SHARED.with(address));
        assert_eq!(late.call("late_static_add", 1).number(), added + 1);
        assert_eq!(SHARED_STATIC.fetch_add(10, SeqCst), added + 1);
        assert_eq!(late.call("late_static_address", 0), address(&*SHARED_STATIC));
    };
    check(1);
    thread::spawn(move || check(12)).join().expect("the checks pass on another thread");
}

fn mismatch(bench: &Bench) {
    let late = bench.load("late");
    for _ in 0..2 {
        assert_eq!(late.call("late_mismatch_try", 0).text(), "Err(AccessError { reason: Rejected })");
        for (operation, item) in [("late_mismatch", "MISMATCH"), ("late_mismatch_static", "MISMATCH_STATIC")] {
            let message = late.call(operation, 0).panic();
            let item = format!("test_host::scenarios::late::{item}");
            for part in [&item, "late.rs:", "lib.rs:", "size", "8 bytes"] {
                assert!(message.contains(part), "{operation}: no {part} in: {message}");
            }
        }
    }
    MISMATCH.set(MISMATCH.get() + 1);
    assert_eq!((MISMATCH.get(), *MISMATCH_STATIC), (2, 1), "the host's own items work");
    assert_eq!(late.call("late_add", 1).number(), 2, "the plugin's other items work");
}
