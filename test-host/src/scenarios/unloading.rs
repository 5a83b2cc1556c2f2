//! Plugins that are unmapped, or that say what keeps them.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plugin_tls::Context;
use plugin_tls::host::{BlockerKind, PluginState, safe_point, snapshot};
use test_api::probe::Probe;

use crate::bench::{Bench, Loaded, host, is_mapped};
use crate::counting;
use crate::scenario::Scenario;

const GROUP: &str = "unloading";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "unload_with_nothing_touched",
            "a plugin that was only loaded leaves memory",
            nothing_touched,
        ),
        Scenario::new(
            GROUP,
            "host_built_values_live_on",
            "a value of an item that the host has survives the plugin",
            host_built,
        ),
        Scenario::new(GROUP, "plugin_built_values_are_dropped_once", "before the plugin is unmapped", plugin_built),
        Scenario::new(
            GROUP,
            "std_on_the_unloading_thread",
            "what std leaves on the calling thread goes first",
            std_here,
        ),
        Scenario::new(
            GROUP,
            "a_destructor_uses_std",
            "a static's destructor leaves something on the thread in turn",
            talker,
        ),
        Scenario::new(GROUP, "blocked_by_a_thread_until_it_ends", "and waiting finds out", thread_ends),
        Scenario::new(
            GROUP,
            "blocked_by_a_thread_until_a_safe_point",
            "a pool thread lets the plugin go",
            thread_safe_point,
        ),
        Scenario::new(GROUP, "blocked_by_the_plugins_own_thread", "until it has ended", own_thread),
        Scenario::new(
            GROUP,
            "two_plugins_one_value",
            "an item that one plugin built is built afresh by the other",
            two_plugins,
        ),
        Scenario::new(GROUP, "unload_on_another_thread", "than the one that loaded the plugin", on_another_thread),
        Scenario::new(
            GROUP,
            "other_plugins_go_on",
            "while one is unloaded again and again, others are hammered",
            others_go_on,
        ),
        Scenario::new(GROUP, "panic_in_a_destructor_while_unloading", "aborts, as in std", panic_in_destructor)
            .aborts("thread local panicked on drop"),
        Scenario::new(
            GROUP,
            "reset_builds_everything_afresh",
            "in every binary, and on other threads at safe points",
            reset,
        ),
        Scenario::new(
            GROUP,
            "dropping_a_plugin_gives_it_up",
            "it stays mapped, and says so when it is loaded again",
            given_up,
        ),
        Scenario::new(GROUP, "two_handles_are_one_plugin", "which goes with the last of them", two_handles),
        Scenario::new(GROUP, "dangling_content_is_hinted_at", "an address in a surviving value is found", dangling),
        Scenario::new(
            GROUP,
            "poison_goes_with_the_plugin",
            "an item that the plugin poisoned can be tried again",
            poison_goes,
        ),
        Scenario::new(
            GROUP,
            "connected_by_hand_first",
            "works, and cannot be unloaded: libc has its destructors",
            by_hand,
        ),
        Scenario::new(
            GROUP,
            "destructors_run_in_one_order",
            "last created first, values and std's thread-locals alike",
            one_order,
        ),
        Scenario::new(
            GROUP,
            "something_else_has_it_open",
            "it stays mapped, which is told, and can be loaded again",
            kept_open,
        ),
        Scenario::new(
            GROUP,
            "loaded_again_while_being_unloaded",
            "by a destructor: the new handle keeps it",
            loaded_meanwhile,
        ),
        Scenario::new(
            GROUP,
            "std_on_many_threads",
            "which reach safe points, end, or are the unloading one",
            std_on_many,
        ),
        Scenario::new(GROUP, "thousand_cycles", "of load, use and unload, with four workers that come and go", cycles),
        Scenario::new(
            GROUP,
            "thousand_cycles_with_a_pool",
            "of four threads that stay and reach safe points",
            cycles_with_a_pool,
        ),
        Scenario::new(
            GROUP,
            "thousand_cycles_with_std",
            "of a plugin that prints and uses std's thread-locals",
            cycles_with_std,
        ),
    ])
}

const LEAVER: &str = "leaver";

/// Unloads a plugin that nothing keeps.
fn unload(bench: &Bench, loaded: Loaded) {
    // SAFETY: scenarios keep nothing of the plugins that they unload.
    let unloaded = unsafe { loaded.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped(), "{unloaded}");
    if cfg!(target_os = "linux") {
        assert!(!is_mapped(&bench.path(LEAVER)), "the memory map still has it");
    }
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
    let owner =
        |name: &str| before.items().iter().find(|item| item.item.ends_with(name)).map(|item| item.owner.clone());
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

fn talker(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("own_talker", 0).number();
    unload(bench, plugin);
    assert_eq!(drops(), ["dropped std local"]);
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
    let still = still.retry().expect_err("nothing has changed");
    drop(go);
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
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
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
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
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
}

fn two_plugins(bench: &Bench) {
    let (first, second) = (bench.load(LEAVER), bench.load("second"));
    assert_eq!(first.call("plugin_counter_add", 1).number(), 101);
    assert_eq!(second.call("plugin_counter_add", 1).number(), 102, "shared");
    let before = first.call("plugin_registry_address", 0);
    assert_eq!(second.call("plugin_registry_address", 0), before);
    unload(bench, first);
    assert_eq!(second.call("plugin_counter_add", 1).number(), 101, "built afresh");
    second.call("plugin_registry_address", 0).number();
    let snapshot = snapshot();
    let registry =
        snapshot.items().iter().find(|item| item.item.ends_with("PLUGIN_REGISTRY")).expect("it is registered");
    assert!(registry.owner.contains("second") && registry.binaries.len() == 1, "{snapshot}");
}

fn on_another_thread(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("own_static", 1).number();
    thread::scope(|scope| {
        scope.spawn(|| {
            plugin.call("own_local", 1).number();
            unload(bench, plugin);
        });
    });
    let mut dropped = drops();
    dropped.sort();
    assert_eq!(dropped, ["dropped own local", "dropped own static"]);
}

fn others_go_on(bench: &Bench) {
    let (first, second) = (bench.load("first"), bench.load("second"));
    let done = AtomicBool::new(false);
    let hammered = thread::scope(|scope| {
        let workers: Vec<_> = [first.operations(), second.operations()]
            .into_iter()
            .map(|operations| {
                let done = &done;
                scope.spawn(move || {
                    let mut count = 0;
                    while !done.load(SeqCst) {
                        operations.call("counter_add", 1).number();
                        operations.call("plugin_counter_add", 1).number();
                        operations.call("plugin_registry_address", 0).number();
                        count += 1;
                        // SAFETY: no `with` is running here.
                        unsafe { safe_point() };
                    }
                    assert_eq!(operations.call("counter_add", 0).number(), count);
                    count
                })
            })
            .collect();
        first.call("plugin_registry_address", 0).number();
        for number in 0..200 {
            let plugin = bench.load(LEAVER);
            plugin.call("own_local", number).number();
            plugin.call("own_static", number).number();
            plugin.call("use_std", 1).number();
            unload(bench, plugin);
        }
        done.store(true, SeqCst);
        workers.into_iter().map(|worker| worker.join().expect("the worker goes on")).collect::<Vec<_>>()
    });
    assert!(hammered.iter().all(|count| *count > 0), "{hammered:?}");
}

fn panic_in_destructor(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("panic_in_destructor", 0).number();
    // SAFETY: as in `unload`.
    let _unreachable = unsafe { plugin.plugin.unload() };
}

fn reset(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("counter_add", 5).number();
    plugin.call("own_local", 7).number();
    plugin.call("own_static", 9).number();
    plugin.call("register", 1).number();
    let operations = plugin.operations();
    let (ready, is_ready) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let worker = thread::spawn(move || {
        operations.call("counter_add", 3).number();
        ready.send(()).expect("the scenario waits");
        may_go.recv().expect("the scenario tells");
        assert_eq!(operations.call("counter_add", 0).number(), 3, "until the safe point");
        // SAFETY: no `with` is running here.
        unsafe { safe_point() };
        assert_eq!(operations.call("counter_add", 0).number(), 0, "after the safe point");
    });
    is_ready.recv().expect("the worker says so");
    // SAFETY: nothing refers to a value.
    unsafe { Context::reset() };
    assert_eq!(host("registered", 0).text(), "dropped own static", "newest first; the registry is new");
    assert_eq!(plugin.call("counter_add", 1).number(), 1);
    assert_eq!(host("counter_add", 0).number(), 1, "shared again");
    assert_eq!(plugin.call("own_local", 1).number(), 0);
    assert_eq!(plugin.call("own_static", 1).number(), 0);
    go.send(()).expect("the worker waits");
    worker.join().expect("the worker is content");
    unload(bench, plugin);
}

fn given_up(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("own_static", 3).number();
    let (operations, address) = (plugin.operations(), plugin.call("own_static_address", 0));
    drop(plugin);
    assert!(is_mapped(&bench.path(LEAVER)));
    assert_eq!(operations.call("own_static_address", 0), address);
    let again = bench.load(LEAVER);
    assert_eq!(again.call("own_static", 3).number(), 3, "the same plugin");
    // SAFETY: as in `unload`.
    let still = unsafe { again.plugin.unload() }.expect_err("it was given up");
    assert_eq!(still.blockers().iter().map(|blocker| blocker.kind).collect::<Vec<_>>(), [BlockerKind::GivenUp]);
    assert_eq!(operations.call("own_static", 3).number(), 3, "nothing is taken from it");
}

fn two_handles(bench: &Bench) {
    let (one, other) = (bench.load(LEAVER), bench.load(LEAVER));
    one.call("own_static", 3).number();
    assert_eq!(other.call("own_static", 3).number(), 3);
    // SAFETY: as in `unload`.
    let still = unsafe { one.plugin.unload() }.expect_err("there is another handle");
    assert_eq!(still.blockers().iter().map(|blocker| blocker.kind).collect::<Vec<_>>(), [BlockerKind::Handle]);
    assert_eq!(other.call("own_static", 3).number(), 3, "the other one is not disturbed");
    unload(bench, other);
    let unloaded = still.retry().expect("it is gone");
    assert!(unloaded.is_unmapped());
}

fn dangling(bench: &Bench) {
    let mut plugin = bench.load(LEAVER);
    plugin.plugin.look_for_dangling(true);
    plugin.call("leave_pointer", 0).number();
    // SAFETY: as in `unload`; nobody uses the pointer.
    let unloaded = unsafe { plugin.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
    let hints = unloaded.hints();
    assert!(hints.iter().any(|hint| hint.item.ends_with("POINTER") && hint.offset == 0), "{unloaded}");
    assert!(unloaded.to_string().contains("hint"), "{unloaded}");
}

fn poison_goes(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("poison", 1).panic();
    assert!(plugin.call("poison", 0).panic().contains("poisoned"));
    unload(bench, plugin);
    let again = bench.load(LEAVER);
    assert_eq!(again.call("poison", 0).number(), 0);
    unload(bench, again);
}

fn by_hand(bench: &Bench) {
    let (library, operations) = bench.open(LEAVER);
    // SAFETY: the type of the library's function.
    let connect =
        unsafe { *library.get::<unsafe extern "C" fn(Context) -> u32>(b"connect_by_hand").expect("it has it") };
    // SAFETY: the host's own context.
    assert_eq!(unsafe { connect(Context::get()) }, 0);
    // On a thread that ends: what the plugin leaves there is libc's.
    thread::spawn(move || {
        operations.call("use_std", 1).number();
        operations.call("own_local", 1).number();
    })
    .join()
    .expect("the thread ends");
    let mut dropped = drops();
    dropped.sort();
    assert_eq!(dropped, ["dropped own local", "dropped std local"]);
    let plugin = bench.load(LEAVER);
    // SAFETY: as in `unload`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("it was connected by hand");
    assert_eq!(still.blockers().iter().map(|blocker| blocker.kind).collect::<Vec<_>>(), [BlockerKind::ConnectedByHand]);
    assert_eq!(operations.call("counter_add", 1).number(), 1, "it goes on");
}

fn kept_open(bench: &Bench) {
    let (_library, operations) = bench.open(LEAVER);
    for _ in 0..2 {
        let plugin = bench.load(LEAVER);
        assert_eq!(plugin.call("own_static", 5).number(), 0, "afresh");
        plugin.call("own_local", 5).number();
        assert_eq!(plugin.call("counter_address", 0), host("counter_address", 0));
        // SAFETY: as in `unload`.
        let unloaded = unsafe { plugin.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
        assert!(!unloaded.is_unmapped());
        assert!(unloaded.to_string().contains("something else has opened"), "{unloaded}");
        assert_eq!(operations.call("try_own_local", 0).text(), "NotConnected", "it has forgotten the store");
    }
}

fn loaded_meanwhile(bench: &Bench) {
    use std::path::PathBuf;
    use std::sync::Mutex;

    use plugin_tls::host::Plugin;

    static PATH: Mutex<Option<PathBuf>> = Mutex::new(None);
    static AGAIN: Mutex<Option<Plugin>> = Mutex::new(None);

    extern "C" fn load() {
        let path = PATH.lock().expect("not poisoned").clone().expect("the scenario has set it");
        // SAFETY: a plugin of this workspace.
        let plugin = unsafe { Plugin::load(path) }.unwrap_or_else(|error| panic!("{error}"));
        *AGAIN.lock().expect("not poisoned") = Some(plugin);
    }

    *PATH.lock().expect("not poisoned") = Some(bench.path(LEAVER));
    let plugin = bench.load(LEAVER);
    plugin.call("own_caller", (load as *const ()).addr() as u64).number();
    // SAFETY: as in `unload`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("its destructor has loaded it again");
    assert_eq!(still.blockers().iter().map(|blocker| blocker.kind).collect::<Vec<_>>(), [BlockerKind::Handle]);
    let again = AGAIN.lock().expect("not poisoned").take().expect("it was loaded");
    assert_eq!(again.state(), PluginState::Live);
    // SAFETY: the plugin exports such a function.
    unsafe { again.get::<Probe>(b"probe") }.expect("it is there");
    // SAFETY: as above.
    let unloaded = unsafe { again.unload() }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
}

fn one_order(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    let operations = plugin.operations();
    for order in [["own_local", "use_std"], ["use_std", "own_local"]] {
        thread::spawn(move || order.map(|operation| operations.call(operation, 1).number())).join().expect("it ends");
        let expected = order.map(|operation| match operation {
            "own_local" => "dropped own local",
            _ => "dropped std local",
        });
        assert_eq!(drops(), [expected[1], expected[0]]);
        test_api::items::REGISTRY.lock().expect("not poisoned").clear();
    }
    unload(bench, plugin);
}

fn std_on_many(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    let ending: Vec<_> = (0..8).map(|_| worker(&plugin, || ())).collect();
    // SAFETY: no `with` is running in the workers.
    let staying: Vec<_> = (0..8).map(|_| worker(&plugin, || unsafe { safe_point() })).collect();
    plugin.call("use_std", 1).number();
    // SAFETY: as in `unload`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("sixteen threads have values");
    let on_threads: std::collections::BTreeSet<_> =
        still.blockers().iter().filter_map(|blocker| blocker.thread_id).collect();
    assert_eq!(on_threads.len(), 16, "{still}");
    let (ending, ended): (Vec<_>, Vec<_>) = ending.into_iter().unzip();
    drop(ending);
    staying.iter().for_each(|(go, _)| go.send(()).expect("the worker waits"));
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    ended.into_iter().for_each(|worker| drop(worker.join()));
    assert_eq!(drops().len(), 33, "one on this thread, two on each of the others");
    for (go, worker) in staying {
        drop(go);
        worker.join().expect("it ends, long after");
    }
}

/// Empties the registry of what values have told when they were dropped, in texts that the plugin has made.
fn forget_drops() {
    let mut registry = test_api::items::REGISTRY.lock().expect("not poisoned");
    counting::adopt(registry.iter().map(String::capacity).sum());
    registry.clear();
}

/// Loads, uses with four workers, and unloads.
fn cycle(bench: &Bench, number: u64, operation: &'static str) {
    let plugin = bench.load(LEAVER);
    let operations = plugin.operations();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                operations.call(operation, number % 8).number();
                operations.call("counter_add", 1).number();
            });
        }
    });
    plugin.call("own_static", number).number();
    // SAFETY: as in `unload`. A scoped thread's last destructors may run after the scope has ended, hence the wait.
    let unloaded = unsafe { plugin.plugin.unload().or_else(|still| still.wait(Duration::from_secs(30))) };
    let unloaded = unloaded.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    forget_drops();
}

/// What a thousand cycles leave: the first hundred are not counted.
struct Left {
    /// In the host, by the count of its allocator: nothing of what a cycle does may stay.
    host: isize,
    /// Of the process's memory that is not mapped from a file, for each cycle: what the plugin leaves, and the unrest of the
    /// system's allocator.
    process: f64,
}

fn left_by(mut cycle: impl FnMut(u64)) -> Left {
    (0..100).for_each(&mut cycle);
    let before = (counting::in_use(), resident());
    (100..1000).for_each(&mut cycle);
    let host = counting::in_use().wrapping_sub(before.0) as isize;
    let process = (resident() as f64 - before.1 as f64) / 900.0;
    println!("{host} bytes in the host, {process:.0} bytes of the process for each cycle");
    Left { host, process }
}

/// The process's memory that is not mapped from a file, in bytes; zero where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024)
}

/// Less than one byte for each cycle: tables may have grown once.
const NOTHING: isize = 900;

/// A sanitizer keeps memory back that is freed: then the process's size says nothing.
fn keeps_freed_memory() -> bool {
    std::env::var_os(test_plan::SANITIZER).is_some_and(|value| value == "1")
}

fn cycles(bench: &Bench) {
    let left = left_by(|number| cycle(bench, number, "own_local"));
    assert!(left.host < NOTHING, "{} bytes are left in the host", left.host);
    assert!(keeps_freed_memory() || left.process < 1024.0, "memory is flat: {} bytes for each cycle", left.process);
}

fn cycles_with_a_pool(bench: &Bench) {
    /// What a thread of the pool is told.
    enum Told {
        Use(test_api::Operations, u64),
        ReachASafePoint,
    }
    thread::scope(|scope| {
        let (done, is_done) = mpsc::channel();
        let work = |told: mpsc::Receiver<Told>, done: mpsc::Sender<()>| {
            for told in told {
                match told {
                    Told::Use(operations, number) => {
                        operations.call("own_local", number).number();
                        operations.call("counter_add", 1).number();
                        done.send(()).expect("the scenario waits");
                    }
                    // SAFETY: no `with` is running here.
                    Told::ReachASafePoint => unsafe { safe_point() },
                }
            }
        };
        let start = |_| {
            let (tell, told) = mpsc::channel();
            let done = done.clone();
            scope.spawn(move || work(told, done));
            tell
        };
        let pool: Vec<_> = (0..4).map(start).collect();
        let cycle = |number| {
            let plugin = bench.load(LEAVER);
            for thread in &pool {
                thread.send(Told::Use(plugin.operations(), number)).expect("the pool works");
            }
            pool.iter().for_each(|_| is_done.recv().expect("the pool works"));
            plugin.call("own_static", number).number();
            // SAFETY: as in `unload`.
            let still = unsafe { plugin.plugin.unload() }.expect_err("the pool has values");
            for thread in &pool {
                thread.send(Told::ReachASafePoint).expect("the pool works");
            }
            let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
            assert!(unloaded.is_unmapped());
            forget_drops();
        };
        let left = left_by(cycle);
        assert!(left.host < NOTHING, "{} bytes are left in the host", left.host);
        assert!(keeps_freed_memory() || left.process < 1024.0, "memory is flat: {} bytes for each cycle", left.process);
        drop(pool);
    });
}

fn cycles_with_std(bench: &Bench) {
    let left = left_by(|number| cycle(bench, number, "use_std"));
    assert!(left.host < NOTHING, "{} bytes are left in the host", left.host);
    assert!(
        keeps_freed_memory() || left.process < 2048.0,
        "std leaves its buffer of standard output, and no more: {} bytes for each cycle",
        left.process
    );
}
