//! Unloading plugins, and what prevents it.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plugin_tls::Context;
use plugin_tls::host::{Blocker, LoadErrorKind, PluginState, safe_point, snapshot};
use test_api::probe::Probe;

use crate::bench::{Bench, Loaded, host, is_mapped};
use crate::counting;
use crate::scenario::Scenario;

const GROUP: &str = "unloading";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "unloading_an_unused_plugin_unmaps_it",
            "a plugin that was only loaded is unmapped",
            nothing_touched,
        ),
        Scenario::new(
            GROUP,
            "values_that_the_host_built_survive",
            "a value of an item that the host links is kept when the plugin is unloaded",
            host_built,
        ),
        Scenario::new(
            GROUP,
            "values_that_the_plugin_built_are_dropped_once",
            "values of items that only the plugin links are dropped before it is unmapped",
            plugin_built,
        ),
        Scenario::new(
            GROUP,
            "stds_thread_locals_of_the_calling_thread_are_dropped",
            "unload drops what std keeps for the plugin on the calling thread",
            std_here,
        ),
        Scenario::new(
            GROUP,
            "a_destructor_can_create_stds_thread_locals",
            "the destructor of a static uses a thread-local of std, which is dropped as well",
            talker,
        ),
        Scenario::new(
            GROUP,
            "a_thread_with_values_blocks_unloading_until_it_ends",
            "unload names the thread and its items; wait unloads the plugin after the thread has ended",
            thread_ends,
        ),
        Scenario::new(
            GROUP,
            "a_thread_with_values_blocks_unloading_until_a_safe_point",
            "a thread that reaches a safe point drops its values of the plugin",
            thread_safe_point,
        ),
        Scenario::new(
            GROUP,
            "a_thread_of_the_plugin_blocks_unloading",
            "a thread that the plugin started blocks unloading until it ends",
            own_thread,
        ),
        Scenario::new(
            GROUP,
            "the_remaining_plugin_builds_a_shared_item_anew",
            "the value that one plugin built is dropped with it; the other plugin builds a new one",
            two_plugins,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_can_be_unloaded_on_another_thread",
            "another thread than the one that loaded the plugin unloads it",
            on_another_thread,
        ),
        Scenario::new(
            GROUP,
            "other_plugins_work_during_unloading",
            "threads use two plugins while a third one is loaded and unloaded 200 times",
            others_go_on,
        ),
        Scenario::new(
            GROUP,
            "a_panicking_destructor_during_unloading_aborts",
            "the message names the item",
            panic_in_destructor,
        )
        .aborts("thread local `test_plugin_leaver::OWN_BOMB` panicked on drop, aborting"),
        Scenario::new(
            GROUP,
            "a_panicking_destructor_of_a_static_aborts",
            "the message says that it is a static, and names it",
            |bench| {
                let plugin = bench.load(LEAVER);
                plugin.call("panic_in_static_destructor", 0).number();
                // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
                let _unreachable = unsafe { plugin.plugin.unload() };
            },
        )
        .aborts("static `test_plugin_leaver::OWN_STATIC_BOMB` panicked on drop, aborting"),
        Scenario::new(
            GROUP,
            "a_handle_knows_that_another_one_has_unloaded_the_plugin",
            "its state is Unmapped, and get is an error",
            |bench| {
                let (one, other) = (bench.load(LEAVER), bench.load(LEAVER));
                // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
                let still = unsafe { one.plugin.unload() }.expect_err("there is another handle");
                unload(bench, other);
                assert_eq!(still.plugin().state(), PluginState::Unmapped);
                // SAFETY: the symbol is not used.
                let error = unsafe { still.plugin().get::<extern "C" fn()>(b"probe") }.expect_err("it is gone");
                assert!(matches!(error.kind(), LoadErrorKind::Unloaded), "{error:?}");
                assert!(error.to_string().contains("unloaded by another handle"), "{error}");
            },
        ),
        Scenario::new(GROUP, "a_plugin_that_is_given_up_is_kept", "another handle says so", |bench| {
            let (one, other) = (bench.load(LEAVER), bench.load(LEAVER));
            assert_eq!(other.plugin.state(), PluginState::Live);
            drop(one);
            assert_eq!(other.plugin.state(), PluginState::Kept);
        }),
        Scenario::new(
            GROUP,
            "a_plugin_that_uses_parking_lot_can_be_unloaded",
            "threads of the plugin wait for a lock of parking_lot, which keeps them in thread-locals of its own",
            |bench| {
                for _ in 0..10 {
                    let plugin = bench.load(LEAVER);
                    assert_eq!(plugin.call("use_parking_lot", 4).number(), 4000);
                    unload(bench, plugin);
                }
            },
        ),
        Scenario::new(
            GROUP,
            "reset_drops_all_values",
            "all binaries build new values; other threads drop theirs at safe points",
            reset,
        ),
        Scenario::new(
            GROUP,
            "a_dropped_plugin_cannot_be_unloaded",
            "a plugin whose handle was dropped stays mapped; unload reports that after the plugin is loaded again",
            given_up,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_is_unloaded_with_its_last_handle",
            "unload fails while there is another handle",
            two_handles,
        ),
        Scenario::new(
            GROUP,
            "addresses_in_the_unloaded_plugin_are_reported",
            "unload reports a value that contains an address in the unmapped image",
            dangling,
        ),
        Scenario::new(
            GROUP,
            "unloading_removes_poison",
            "an item that the plugin poisoned works after the plugin is loaded again",
            poison_goes,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_connected_by_hand_cannot_be_unloaded",
            "libc has registered its destructors, so unload fails and the plugin keeps working",
            by_hand,
        ),
        Scenario::new(
            GROUP,
            "destructors_of_items_and_of_std_run_in_one_order",
            "values and std's thread-locals are dropped in reverse order of their creation",
            one_order,
        ),
        Scenario::new(
            GROUP,
            "a_plugin_that_is_open_elsewhere_stays_mapped",
            "unload reports that the plugin stays mapped; the plugin can be loaded again",
            kept_open,
        ),
        Scenario::new(
            GROUP,
            "loading_during_unloading_keeps_the_plugin",
            "a destructor loads the plugin again during unload, and the new handle keeps it loaded",
            loaded_meanwhile,
        ),
        Scenario::new(
            GROUP,
            "stds_thread_locals_block_unloading_on_all_threads",
            "sixteen threads block unloading until each ends or reaches a safe point",
            std_on_many,
        ),
        Scenario::new(
            GROUP,
            "a_thousand_cycles_leave_no_memory",
            "a plugin is loaded, used by four short-lived threads, and unloaded",
            cycles,
        ),
        Scenario::new(
            GROUP,
            "a_thousand_cycles_with_a_pool_leave_no_memory",
            "a plugin is loaded, used by four threads that stay and reach safe points, and unloaded",
            cycles_with_a_pool,
        ),
        Scenario::new(
            GROUP,
            "a_thousand_cycles_with_std_leave_one_buffer_each",
            "the plugin prints and uses std's thread-locals; only the buffer of its standard output stays",
            cycles_with_std,
        ),
    ])
}

const LEAVER: &str = "leaver";

/// Unloads a plugin that nothing keeps loaded, and asserts that it was unmapped.
fn unload(bench: &Bench, loaded: Loaded) {
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let unloaded = unsafe { loaded.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped(), "{unloaded}");
    if cfg!(target_os = "linux") {
        assert!(!is_mapped(&bench.path(LEAVER)), "the image is still mapped");
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
        |name: &str| before.items().iter().find(|item| item.path.ends_with(name)).and_then(|item| item.owner.clone());
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

/// Starts a thread that uses the plugin and waits for a message. Then it calls `at_end` and waits until the sender is
/// dropped. Returns after the thread has used the plugin.
fn worker(plugin: &Loaded, at_end: fn()) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let operations = plugin.operations();
    let (ready, is_ready) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let worker = thread::Builder::new().name("worker-1".to_owned()).spawn(move || {
        operations.call("own_local", 1).number();
        operations.call("use_std", 1).number();
        ready.send(()).expect("the scenario waits");
        may_go.recv().expect("the scenario sends a message");
        at_end();
        // The plugin may be unmapped now. The thread no longer uses it.
        may_go.recv().ok();
    });
    is_ready.recv().expect("the worker sends a message");
    (go, worker.expect("a thread can be started"))
}

fn thread_ends(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    let operations = plugin.operations();
    let (go, worker) = worker(&plugin, || ());
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("a thread has values");
    assert_eq!(still.plugin().state(), PluginState::Draining);
    let text = still.to_string();
    assert!(text.contains("worker-1") && text.contains("OWN_LOCAL") && text.contains("OWN_NUMBER"), "{text}");
    assert!(still.blockers().iter().any(|blocker| matches!(blocker, Blocker::ThreadExit { .. })), "{text}");
    assert_eq!(operations.call("try_own_local", 0).text(), "Draining");
    let still = still.retry().expect_err("nothing has changed");
    drop(go);
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    worker.join().expect_err("the worker panics, because the scenario sent no message");
    assert!(!is_mapped(&bench.path(LEAVER)));
}

fn thread_safe_point(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    // SAFETY: the worker holds no reference to a value when it calls this.
    let (go, worker) = worker(&plugin, || unsafe { safe_point() });
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("a thread has values");
    go.send(()).expect("the worker waits");
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    assert_eq!(drops(), ["dropped std local", "dropped own local"]);
    // The worker ends after the image was unmapped.
    drop(go);
    worker.join().expect("the worker ends");
}

fn own_thread(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("spawn", 0).number();
    let operations = plugin.operations();
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("the plugin's thread is running");
    assert!(still.blockers().iter().any(|blocker| matches!(blocker, Blocker::Thread { .. })), "{still}");
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
    assert_eq!(second.call("plugin_counter_add", 1).number(), 101, "built anew");
    second.call("plugin_registry_address", 0).number();
    let snapshot = snapshot();
    let registry =
        snapshot.items().iter().find(|item| item.path.ends_with("PLUGIN_REGISTRY")).expect("it is registered");
    assert!(
        registry.owner.as_ref().is_some_and(|owner| owner.contains("second")) && registry.binaries.len() == 1,
        "{snapshot}"
    );
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
                        // SAFETY: this thread holds no reference to a value here.
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
        workers.into_iter().map(|worker| worker.join().expect("the worker does not panic")).collect::<Vec<_>>()
    });
    assert!(hammered.iter().all(|count| *count > 0), "{hammered:?}");
}

fn panic_in_destructor(bench: &Bench) {
    let plugin = bench.load(LEAVER);
    plugin.call("panic_in_destructor", 0).number();
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
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
        may_go.recv().expect("the scenario sends a message");
        assert_eq!(operations.call("counter_add", 0).number(), 3, "the value is kept until the safe point");
        // SAFETY: this thread holds no reference to a value here.
        unsafe { safe_point() };
        assert_eq!(operations.call("counter_add", 0).number(), 0, "the value is new after the safe point");
    });
    is_ready.recv().expect("the worker sends a message");
    // SAFETY: no thread holds a reference to a value, and all statics are `Send`.
    unsafe { Context::reset() };
    assert_eq!(
        host("registered", 0).text(),
        "dropped own static",
        "the newest value is dropped first, into a new registry"
    );
    assert_eq!(plugin.call("counter_add", 1).number(), 1);
    assert_eq!(host("counter_add", 0).number(), 1, "shared again");
    assert_eq!(plugin.call("own_local", 1).number(), 0);
    assert_eq!(plugin.call("own_static", 1).number(), 0);
    go.send(()).expect("the worker waits");
    worker.join().expect("the worker does not panic");
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
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { again.plugin.unload() }.expect_err("a handle was dropped");
    assert_eq!(still.blockers(), [Blocker::GivenUp]);
    assert_eq!(operations.call("own_static", 3).number(), 3, "the plugin keeps its values");
}

fn two_handles(bench: &Bench) {
    let (one, other) = (bench.load(LEAVER), bench.load(LEAVER));
    one.call("own_static", 3).number();
    assert_eq!(other.call("own_static", 3).number(), 3);
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { one.plugin.unload() }.expect_err("there is another handle");
    assert_eq!(still.blockers(), [Blocker::Handle]);
    assert_eq!(other.call("own_static", 3).number(), 3, "the other handle still works");
    unload(bench, other);
    let unloaded = still.retry().expect("the plugin is unloaded");
    assert!(unloaded.is_unmapped());
}

fn dangling(bench: &Bench) {
    let mut plugin = bench.load(LEAVER);
    plugin.plugin.look_for_dangling(true);
    plugin.call("leave_pointer", 0).number();
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    // Nothing dereferences the pointer that the plugin leaves.
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
    // SAFETY: the library exports `connect_by_hand` with this type.
    let connect = unsafe {
        *library.get::<unsafe extern "C" fn(Context) -> u32>(b"connect_by_hand").expect("the library exports it")
    };
    // SAFETY: the host's own context is valid as long as the process runs.
    assert_eq!(unsafe { connect(Context::get()) }, 0);
    // Libc runs the destructors that the plugin leaves on this thread.
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
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("it was connected by hand");
    assert_eq!(still.blockers(), [Blocker::ConnectedByHand]);
    assert_eq!(operations.call("counter_add", 1).number(), 1, "the plugin still works");
}

fn kept_open(bench: &Bench) {
    let (_library, operations) = bench.open(LEAVER);
    for _ in 0..2 {
        let plugin = bench.load(LEAVER);
        assert_eq!(plugin.call("own_static", 5).number(), 0, "the value is new");
        plugin.call("own_local", 5).number();
        assert_eq!(plugin.call("counter_address", 0), host("counter_address", 0));
        // SAFETY: the scenario keeps no references to values. The library stays open, so its operations stay valid.
        let unloaded = unsafe { plugin.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
        assert!(!unloaded.is_unmapped());
        assert!(unloaded.to_string().contains("something else has opened"), "{unloaded}");
        assert_eq!(operations.call("try_own_local", 0).text(), "NotConnected", "the library is disconnected");
    }
}

fn loaded_meanwhile(bench: &Bench) {
    use std::path::PathBuf;

    use parking_lot::Mutex;
    use plugin_tls::host::Plugin;

    static PATH: Mutex<Option<PathBuf>> = Mutex::new(None);
    static AGAIN: Mutex<Option<Plugin>> = Mutex::new(None);

    extern "C" fn load() {
        let path = PATH.lock().clone().expect("the scenario has set it");
        // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
        let plugin = unsafe { Plugin::load(path) }.unwrap_or_else(|error| panic!("{error}"));
        *AGAIN.lock() = Some(plugin);
    }

    *PATH.lock() = Some(bench.path(LEAVER));
    let plugin = bench.load(LEAVER);
    plugin.call("own_caller", (load as *const ()).addr() as u64).number();
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("its destructor has loaded it again");
    assert_eq!(still.blockers(), [Blocker::Handle]);
    let again = AGAIN.lock().take().expect("it was loaded");
    assert_eq!(again.state(), PluginState::Live);
    // SAFETY: the plugin exports `probe` with this type.
    unsafe { again.get::<Probe>(b"probe") }.expect("the symbol is found");
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
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
    // SAFETY: the workers hold no references to values when they call this.
    let staying: Vec<_> = (0..8).map(|_| worker(&plugin, || unsafe { safe_point() })).collect();
    plugin.call("use_std", 1).number();
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let still = unsafe { plugin.plugin.unload() }.expect_err("sixteen threads have values");
    let on_threads: std::collections::BTreeSet<_> =
        still.blockers().iter().filter_map(|blocker| Some(blocker.thread()?.id)).collect();
    assert_eq!(on_threads.len(), 16, "{still}");
    let (ending, ended): (Vec<_>, Vec<_>) = ending.into_iter().unzip();
    drop(ending);
    staying.iter().for_each(|(go, _)| go.send(()).expect("the worker waits"));
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    ended.into_iter().for_each(|worker| drop(worker.join()));
    assert_eq!(drops().len(), 33, "one value on this thread, two on each of the others");
    for (go, worker) in staying {
        drop(go);
        worker.join().expect("the worker ends after the image was unmapped");
    }
}

/// Empties the registry, into which destructors push texts.
fn forget_drops() {
    test_api::items::REGISTRY.lock().expect("not poisoned").clear();
}

/// Loads the plugin, uses it on four threads, and unloads it.
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
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`. The
    // destructors of a scoped thread may run after the scope has ended, hence the wait.
    let unloaded = unsafe { plugin.plugin.unload().or_else(|still| still.wait(Duration::from_secs(30))) };
    let unloaded = unloaded.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    forget_drops();
}

/// The memory that 900 cycles leave.
struct Left {
    /// Bytes that the host's allocator has in use after the cycles but not before.
    host: isize,
    /// Growth per cycle of the process's memory that is not mapped from a file. It includes what the plugin leaves, and
    /// variations of the system's allocator.
    process: f64,
}

/// Runs 1000 cycles. Does not measure the first 100, in which tables grow and caches fill.
fn left_by(mut cycle: impl FnMut(u64)) -> Left {
    (0..100).for_each(&mut cycle);
    let before = (counting::in_use(), resident());
    (100..1000).for_each(&mut cycle);
    let host = counting::in_use().wrapping_sub(before.0) as isize;
    let process = (resident() as f64 - before.1 as f64) / 900.0;
    println!("{host} bytes in the host, {process:.0} bytes of the process per cycle");
    Left { host, process }
}

/// The bytes of the process's memory that are not mapped from a file. Zero on systems that do not report them.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024)
}

/// A limit of less than one byte per cycle, which allows a table to grow once.
const NOTHING: isize = 900;

/// Whether a sanitizer delays the reuse of freed memory, so that the size of the process says nothing about leaks.
fn keeps_freed_memory() -> bool {
    std::env::var_os(test_plan::SANITIZER).is_some_and(|value| value == "1")
}

fn cycles(bench: &Bench) {
    let left = left_by(|number| cycle(bench, number, "own_local"));
    assert!(left.host < NOTHING, "{} bytes are left in the host", left.host);
    assert!(keeps_freed_memory() || left.process < 1024.0, "the process grows by {} bytes per cycle", left.process);
}

fn cycles_with_a_pool(bench: &Bench) {
    /// A message to a thread of the pool.
    enum Message {
        Use(test_api::Operations, u64),
        ReachASafePoint,
    }
    thread::scope(|scope| {
        let (done, is_done) = mpsc::channel();
        let work = |messages: mpsc::Receiver<Message>, done: mpsc::Sender<()>| {
            for message in messages {
                match message {
                    Message::Use(operations, number) => {
                        operations.call("own_local", number).number();
                        operations.call("counter_add", 1).number();
                        done.send(()).expect("the scenario waits");
                    }
                    // SAFETY: this thread holds no reference to a value here.
                    Message::ReachASafePoint => unsafe { safe_point() },
                }
            }
        };
        let start = |_| {
            let (sender, messages) = mpsc::channel();
            let done = done.clone();
            scope.spawn(move || work(messages, done));
            sender
        };
        let pool: Vec<_> = (0..4).map(start).collect();
        let cycle = |number| {
            let plugin = bench.load(LEAVER);
            for thread in &pool {
                thread.send(Message::Use(plugin.operations(), number)).expect("the pool works");
            }
            pool.iter().for_each(|_| is_done.recv().expect("the pool works"));
            plugin.call("own_static", number).number();
            // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
            let still = unsafe { plugin.plugin.unload() }.expect_err("the pool has values");
            for thread in &pool {
                thread.send(Message::ReachASafePoint).expect("the pool works");
            }
            let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
            assert!(unloaded.is_unmapped());
            forget_drops();
        };
        let left = left_by(cycle);
        assert!(left.host < NOTHING, "{} bytes are left in the host", left.host);
        assert!(keeps_freed_memory() || left.process < 1024.0, "the process grows by {} bytes per cycle", left.process);
        drop(pool);
    });
}

fn cycles_with_std(bench: &Bench) {
    let left = left_by(|number| cycle(bench, number, "use_std"));
    assert!(left.host < 900 * 1024 + NOTHING, "{} bytes are left in the host, more than std's buffers", left.host);
    assert!(
        keeps_freed_memory() || left.process < 2048.0,
        "the process grows by {} bytes per cycle, more than std's buffer of standard output",
        left.process
    );
}
