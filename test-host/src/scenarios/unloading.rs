//! Plugins that are unmapped, or that say what keeps them.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plugin_tls::host::{BlockerKind, PluginState, safe_point, snapshot};

use crate::bench::{Bench, Loaded, host, is_mapped};
use crate::scenario::Scenario;

const GROUP: &str = "unloading";

pub const SCENARIOS: &[Scenario] = &[
    Scenario::new(GROUP, "unload_with_nothing_touched", "a plugin that was only loaded leaves memory", nothing_touched),
    Scenario::new(GROUP, "host_built_values_live_on", "a value of an item that the host has survives the plugin", host_built),
    Scenario::new(GROUP, "plugin_built_values_are_dropped_once", "before the plugin is unmapped", plugin_built),
    Scenario::new(GROUP, "std_on_the_unloading_thread", "what std leaves on the calling thread goes first", std_here),
    Scenario::new(GROUP, "blocked_by_a_thread_until_it_ends", "and waiting finds out", thread_ends),
    Scenario::new(GROUP, "blocked_by_a_thread_until_a_safe_point", "a pool thread lets the plugin go", thread_safe_point),
    Scenario::new(GROUP, "blocked_by_the_plugins_own_thread", "until it has ended", own_thread),
    Scenario::new(GROUP, "thousand_cycles", "of load, use and unload, with four workers", cycles),
];

const LEAVER: &str = "leaver";

/// Unloads a plugin that nothing keeps.
fn unload(bench: &Bench, loaded: Loaded) {
    // SAFETY: scenarios keep nothing of the plugins that they unload.
    let unloaded = unsafe { loaded.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped(), "{unloaded}");
    assert!(!is_mapped(&bench.path(LEAVER)), "the memory map still has it");
}

fn drops() -> Vec<String> {
    host("registered", 0).text().split(", ").filter(|text| text.starts_with("dropped")).map(str::to_owned).collect()
}

fn nothing_touched(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    assert!(is_mapped(&bench.path(LEAVER)));
    unload(bench, plugin);
}

fn host_built(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    assert_eq!(plugin.call("counter_add", 5).number(), 5);
    plugin.call("register", 1).number();
    plugin.call("tags_push", 1).number();
    let address = plugin.call("counter_address", 0);
    unload(bench, plugin);
    assert_eq!(host("counter_address", 0), address);
    assert_eq!(host("counter_add", 1).number(), 6);
    assert_eq!(host("registered", 0).text(), "command 1");
    assert_eq!(host("tags", 0).text(), "tag 1");
}

fn plugin_built(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("own_local", 1).number();
    plugin.call("own_static", 1).number();
    assert!(drops().is_empty());
    let before = snapshot();
    let owner = |name: &str| before.items().iter().find(|item| item.item.ends_with(name)).map(|item| item.owner.clone());
    assert!(owner("OWN_STATIC").is_some_and(|owner| owner.contains(LEAVER)), "{before}");
    unload(bench, plugin);
    let mut dropped = drops();
    dropped.sort();
    assert_eq!(dropped, ["dropped own local", "dropped own static"]);
}

fn std_here(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    assert_eq!(plugin.call("use_std", 10).number(), 10);
    assert_eq!(plugin.call("spawn_and_join", 1).number(), 2);
    unload(bench, plugin);
    assert_eq!(drops(), ["dropped std local", "dropped std local"]);
}

/// A worker that runs an operation, says so, and waits to be told to go on.
fn worker(plugin: &Loaded, at_end: fn()) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let operations = plugin.operations();
    let (ready, is_ready) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let worker = thread::Builder::new().name("worker-1".to_owned()).spawn(move || {
        operations.call("own_local", 1).number();
        operations.call("use_std", 1).number();
        ready.send(()).expect("the scenario waits");
        may_go.recv().expect("the scenario tells");
        at_end();
        // The plugin may be gone; the thread goes on.
        may_go.recv().ok();
    });
    is_ready.recv().expect("the worker says so");
    (go, worker.expect("a thread can be started"))
}

fn thread_ends(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    let operations = plugin.operations();
    let (go, worker) = worker(&plugin, || ());
    // SAFETY: as in `unload`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("a thread has values");
    assert_eq!(still.plugin().state(), PluginState::Draining);
    let text = still.to_string();
    assert!(text.contains("worker-1") && text.contains("OWN_LOCAL") && text.contains("OWN_NUMBER"), "{text}");
    assert!(still.blockers().iter().any(|blocker| blocker.kind == BlockerKind::ThreadExit), "{text}");
    assert_eq!(operations.call("try_own_local", 0).text(), "Draining");
    // SAFETY: as above.
    let still = unsafe { still.retry() }.expect_err("nothing has changed");
    drop(go);
    // SAFETY: as above.
    let unloaded = unsafe { still.wait(Duration::from_secs(30)) }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    worker.join().expect_err("the scenario did not tell it to go on");
    assert!(!is_mapped(&bench.path(LEAVER)));
}

fn thread_safe_point(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    // SAFETY: no `with` is running in the worker.
    let (go, worker) = worker(&plugin, || unsafe { safe_point() });
    // SAFETY: as in `unload`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("a thread has values");
    go.send(()).expect("the worker waits");
    // SAFETY: as above.
    let unloaded = unsafe { still.wait(Duration::from_secs(30)) }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    assert_eq!(drops(), ["dropped std local", "dropped own local"]);
    // The worker ends long after the image is gone.
    drop(go);
    worker.join().expect("it ends");
}

fn own_thread(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("spawn", 0).number();
    let operations = plugin.operations();
    // SAFETY: as in `unload`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("the plugin's thread is running");
    assert!(still.blockers().iter().any(|blocker| blocker.kind == BlockerKind::Thread), "{still}");
    assert!(still.to_string().contains("plugins-own"), "{still}");
    operations.call("release", 0).number();
    // SAFETY: as above.
    let unloaded = unsafe { still.wait(Duration::from_secs(30)) }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
}

fn cycles(bench: &Bench) {
    for cycle in 0..1000 {
        let plugin = bench.load(LEAVER);
        let operations = plugin.operations();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    operations.call("own_local", cycle).number();
                    operations.call("counter_add", 1).number();
                });
            }
        });
        plugin.call("own_static", cycle).number();
        // SAFETY: as in `unload`.
        let unloaded = match unsafe { plugin.plugin.unload() } {
            Ok(unloaded) => unloaded,
            // A thread's last destructors may run after it was joined.
            Err(still) => unsafe { still.wait(Duration::from_secs(30)) }.unwrap_or_else(|still| panic!("{still}")),
        };
        assert!(unloaded.is_unmapped());
    }
}
