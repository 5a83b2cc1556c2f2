//! Items whose types rely on statics of the crates that they come from. See `docs/sharing.md`.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::thread;

use plugin_tls::host::{LoadError, MismatchField, Plugin};
use test_api::Outcome;
use test_api::probe::{Operations, Probe};
use test_hidden_api::{CHANNEL, COLLECTED, CURRENT, DROPPED, LOCK, PER_THREAD, PLAIN, RUNTIME, SMALL, WRAPPED};

use crate::bench::{Bench, Loaded};
use crate::scenario::Scenario;

const PLUGIN: &str = "hidden-state";

fn scenario(name: &str, summary: &str, run: fn(&Bench)) -> Scenario {
    Scenario::new("hidden state", name, summary, run)
}

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        scenario(
            "types_with_hidden_state_are_refused",
            "a type that relies on statics of its crate is refused with the static, what happens and the way out",
            refused,
        ),
        scenario(
            "types_with_hidden_state_are_shared_with_trust",
            "a host that trusts a plugin shares types that rely on statics of their crates",
            trusted,
        ),
        scenario(
            "hidden_state_is_each_binarys_own",
            "if it is shared nevertheless, a value is freed in use, and two threads pass one check",
            seen,
        ),
    ])
}

/// The items that must be refused: the type, its crate's static, and a word of the way out.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    ("LOCK", "parking_lot::raw_mutex::RawMutex", "`HASHTABLE`", "std::sync"),
    ("ENTRIES", "parking_lot::raw_rwlock::RawRwLock", "`HASHTABLE`", "std::sync"),
    ("CURRENT", "arc_swap::ArcSwapAny", "`LIST_HEAD`", "RwLock<Arc<T>>"),
    ("PER_THREAD", "thread_local::ThreadLocal", "`THREAD_ID_MANAGER`", "thread_local!"),
    ("WRAPPED", "send_wrapper::SendWrapper", "`COUNTER`", "thread_local!"),
    ("FRAGILE", "fragile::fragile::Fragile", "`COUNTER`", "thread_local!"),
    ("CHANNEL", "crossbeam_channel::channel::Sender", "`THREAD_ID`", "std::sync::mpsc"),
    ("COLLECTED", "crossbeam_epoch::atomic::Atomic", "`COLLECTOR`", "std"),
    ("LARGE", "crossbeam_utils::atomic::atomic_cell::AtomicCell", "`LOCKS`", "Mutex"),
    ("RUNTIME", "tokio::runtime::handle::Handle", "`CONTEXT`", "share a function"),
    ("OUTPUT", "std::io::stdio::Stdout", "`COUNTER`", "std::io::stdout()"),
    ("HELD", "parking_lot::raw_mutex::RawMutex", "`HASHTABLE`", "std::sync"),
];

fn refused(bench: &Bench) {
    let error = bench.try_load(PLUGIN).expect_err("this must not load");
    let text = error.to_string();
    for (item, path, statics, instead) in REFUSED {
        let item = format!("test_hidden_api::{item}");
        let of_item = error.mismatches().iter().find(|mismatch| mismatch.item == item);
        let mismatch = of_item.unwrap_or_else(|| panic!("{item} is missing: {text}"));
        assert_eq!(mismatch.field, MismatchField::HiddenState, "{mismatch}");
        let detail = mismatch.detail.as_deref().expect("the reason");
        assert!(detail.contains(&format!("`{path}`")) && detail.contains(statics), "{path} and {statics} in {detail}");
        assert!(mismatch.advice.contains(instead), "{instead:?} in {}", mismatch.advice);
        let in_a_field = *mismatch.item == *"test_hidden_api::HELD";
        for side in [&mismatch.known, &mismatch.offered] {
            assert_eq!(side.value.contains(path), !in_a_field, "{mismatch}");
        }
        assert!(!mismatch.known.site.is_empty() && !mismatch.offered.site.is_empty(), "{mismatch}");
        let own = mismatch.to_string();
        assert!(own.contains("its type relies on hidden state") && text.contains(&own), "{own}");
    }
    // `PLAIN`, `DROPPED`, `SMALL` and `PORTED` are not named.
    assert_eq!(error.mismatches().len(), REFUSED.len(), "{text}");
}

fn trusting_load(bench: &Bench) -> Loaded {
    let load = || -> Result<Loaded, LoadError> {
        // SAFETY: the file is a plugin of this workspace, built with the same crates as the host. The scenarios use the
        // items only in ways that the statics of the crates have no part in, or that are no more than a wrong answer.
        let plugin = unsafe { Plugin::options().trust_types(true).load(bench.path(PLUGIN)) }?;
        // SAFETY: `export_operations!` exports `probe` with the type `Probe`.
        let probe = *unsafe { plugin.get::<Probe>(b"probe") }?;
        // SAFETY: `export_operations!` exports `probe`. Scenarios use the operations only while the plugin is loaded.
        let operations = unsafe { Operations::new(probe) };
        Ok(Loaded::new(plugin, operations))
    };
    load().unwrap_or_else(|error| panic!("{error}"))
}

fn trusted(bench: &Bench) {
    let plugin = trusting_load(bench);
    // Nobody waits for the lock or the channel, so that no static of a crate has a part in it.
    *LOCK.lock() = 5;
    assert_eq!(plugin.call("lock_add", 2).number(), 7);
    assert_eq!(*LOCK.lock(), 7);
    CHANNEL.0.send(3).expect("the receiver is shared");
    assert_eq!(plugin.call("channel_receive", 0).number(), 3);
    plugin.call("small_set", 4);
    assert_eq!(SMALL.load(), 4);
    let agrees = |outcome: Outcome| assert_eq!(outcome.number(), 1, "the ported crate has one table");
    agrees(test_api::probe::run(&[test_hidden_api::OPERATIONS], "ported_agrees", 0));
    agrees(plugin.call("ported_agrees", 0));
    PLAIN.lock().expect("not poisoned").push(1);
    assert_eq!(plugin.call("plain_push", 2).number(), 2);
}

fn seen(bench: &Bench) {
    let plugin = trusting_load(bench);
    let in_thread = |name: &'static str, argument| -> Outcome {
        let operations = plugin.operations();
        thread::spawn(move || operations.call(name, argument)).join().expect("the thread does not panic")
    };
    let dropped = || DROPPED.load(Relaxed);

    // The host borrows the value, which the plugin's list of borrowed values does not have. Nothing reads it again.
    let borrowed = CURRENT.load();
    assert_eq!((borrowed.0, dropped()), (1, 0));
    plugin.call("current_set", 2);
    assert_eq!(dropped(), 1, "the value is freed while it is borrowed");
    drop(borrowed);

    // The host is pinned, which the plugin's collector does not know. Nothing reads the value again.
    let pinned = crossbeam_epoch::pin();
    assert!(!COLLECTED.load(Acquire, &pinned).is_null());
    plugin.call("collected_set", 2);
    assert_eq!(dropped(), 2, "the value is freed while a thread is pinned");
    drop(pinned);

    // The first thread of each binary has the same number. Neither thread borrows the cell.
    let own = std::ptr::from_ref(PER_THREAD.get_or_default()).addr() as u64;
    assert_eq!(in_thread("per_thread_address", 0).number(), own, "two threads have one cell");

    // Each std has a first thread, too. Which of the plugin's threads it is depends on what has run there.
    let owner = thread::spawn(|| WRAPPED.valid()).join().expect("the thread does not panic");
    assert!(owner, "the thread that builds the value owns it");
    let others = (0..64).filter(|_| in_thread("wrapped_is_valid", 0).number() == 1).count();
    assert_eq!(others, 1, "another thread has the same id");

    // A task of the plugin, on the host's runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    RUNTIME.set(Arc::new(runtime.handle().clone())).expect("it is set once");
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let driver = thread::spawn(move || runtime.block_on(ended));
    let host = test_api::probe::run(&[test_hidden_api::OPERATIONS], "runtime_is_seen_in_a_task", 0);
    assert_eq!(host.number(), 1);
    assert_eq!(plugin.call("runtime_is_seen_in_a_task", 0).number(), 0, "the task finds no runtime");
    end.send(()).expect("the runtime waits");
    driver.join().expect("the thread does not panic").expect("it was sent");
}
