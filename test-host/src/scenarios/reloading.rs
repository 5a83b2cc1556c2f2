//! Plugins whose file is replaced by a newer build and loaded again.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plugin_tls::host::{LoadErrorKind, MismatchField, snapshot};
use tempfile::TempDir;

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "reloading";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "a_reloaded_plugin_runs_its_new_code",
            "values that the host built are kept; values that the plugin built are created anew",
            newer,
        ),
        Scenario::new(
            GROUP,
            "a_changed_type_is_refused_while_an_old_value_lives",
            "a plugin with a changed type is refused while a value of the old type lives, and accepted afterwards",
            changed_type,
        ),
        Scenario::new(
            GROUP,
            "a_file_that_was_replaced_while_mapped_is_refused",
            "the system's loader returns the old image for the path of the new file, so the file is refused",
            old_image,
        ),
    ])
}

/// A folder with one file, to which scenarios copy plugins.
struct Place {
    _folder: TempDir,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join("plugin.so");
        Place { _folder: folder, file }
    }

    /// Removes the file and copies a plugin there, because linkers replace files in the same way.
    fn put(&self, bench: &Bench, name: &str) {
        fs::remove_file(&self.file).ok();
        fs::copy(bench.path(name), &self.file).expect("the plugin can be copied");
    }
}

fn newer(bench: &Bench) {
    let place = Place::new();
    place.put(bench, "leaver");
    let old = bench.load_from(&place.file);
    assert_eq!(old.call("counter_add", 5).number(), 5);
    assert_eq!(old.call("plugin_counter_add", 1).number(), 101);
    old.call("own_static", 1).number();
    // SAFETY: no code calls the plugin or refers to its values once it is unmapped, and its statics are `Send`.
    let unloaded = unsafe { old.plugin.unload() }.unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());

    place.put(bench, "second");
    let new = bench.load_from(&place.file);
    assert_eq!(new.call("own_static", 1), test_api::Outcome::Unknown, "the new code has no such operation");
    assert_eq!(new.call("counter_add", 1).number(), 6, "the host built the value");
    assert_eq!(new.call("plugin_counter_add", 1).number(), 101, "the plugin built the value");
    assert_eq!(host("counter_add", 0).number(), 6);
}

fn changed_type(bench: &Bench) {
    let place = Place::new();
    place.put(bench, "shape-old");
    let old = bench.load_from(&place.file);
    let operations = old.operations();
    let (ready, is_ready) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let worker = thread::spawn(move || {
        ready.send(operations.call("shape", 0).number()).expect("the scenario waits");
        may_go.recv().ok();
    });
    assert_eq!(is_ready.recv(), Ok(7));
    // SAFETY: the worker no longer uses the plugin's operations. It only keeps a value, which blocks the unloading.
    let still = unsafe { old.plugin.unload() }.expect_err("the worker has a value");

    let beside = Place::new();
    beside.put(bench, "shape-new");
    // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
    let error = unsafe { plugin_tls::host::Plugin::load(&beside.file) }.expect_err("the old value lives");
    let fields: Vec<_> = error.mismatches().iter().map(|mismatch| mismatch.field).collect();
    assert!(fields.contains(&MismatchField::Size), "{error}");
    assert!(error.to_string().contains("shape::SHAPE"), "{error}");
    let shown = snapshot();
    let shape = shown.items().iter().find(|item| item.path == "shape::SHAPE").expect("it is registered");
    assert_eq!((shape.state, shape.threads), (plugin_tls::host::SnapshotState::Draining, 1), "{shown}");
    assert!(shown.to_string().contains("draining"), "{shown}");

    drop(go);
    let unloaded = still.wait(Duration::from_secs(30)).unwrap_or_else(|still| panic!("{still}"));
    assert!(unloaded.is_unmapped());
    worker.join().expect("the worker ends");
    place.put(bench, "shape-new");
    let new = bench.load_from(&place.file);
    assert_eq!(new.call("shape", 0).number(), 8);
}

fn old_image(bench: &Bench) {
    let place = Place::new();
    place.put(bench, "leaver");
    // A plugin that is dropped stays mapped.
    drop(bench.load_from(&place.file));
    place.put(bench, "second");
    // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
    let outcome = unsafe { plugin_tls::host::Plugin::load(&place.file) };
    let error = match outcome {
        Err(error) if matches!(error.kind(), LoadErrorKind::OldImage) => error,
        other => panic!("the system's loader returns the old image, which must be refused: {other:?}"),
    };
    assert!(error.to_string().contains("unload it first"), "{error}");
    // Another copy of the new file loads, and the host still works.
    let again = Place::new();
    again.put(bench, "second");
    assert_eq!(bench.load_from(&again.file).call("counter_add", 1).number(), 1);
}
