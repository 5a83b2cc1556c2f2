//! Which copies of an item share a value, how others are refused, and what a snapshot shows.
//!
//! The host links version 0.3.1 of the crate `versioned`, and plugins link other versions. See `test-plugins/versions`.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use abi_stable::external_types::RMutex;
use plugin_tls::host::{
    LoadError, Mismatch, MismatchField, Plugin, SnapshotItem, SnapshotKind, SnapshotState, snapshot,
};
use test_plan::Compilers;
use test_stable_api::Operation::{AddCount, AddTotal};
use versioned::{COUNT, MODE, NAMES, POSITION, SPAN, STYLE};

use crate::bench::{Bench, is_mapped};
use crate::scenario::Scenario;
use crate::stable::StableItems;

const GROUP: &str = "verification";

fn scenario(name: &str, summary: &str, run: fn(&Bench)) -> Scenario {
    Scenario::new(GROUP, name, summary, run)
}

fn any_compilers(name: &str, summary: &str, run: fn(&Bench)) -> Scenario {
    scenario(name, summary, run).compilers(Compilers::Any)
}

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        scenario(
            "compatible_versions_share_values",
            "0.3.1 and 0.3.2 of a crate share values, because the layouts of the types are equal",
            compatible_versions,
        ),
        scenario(
            "incompatible_versions_do_not_share",
            "an item of version 0.3 of a crate and the same item of 0.4 are two items",
            incompatible_versions,
        ),
        scenario(
            "all_mismatches_are_reported_at_once",
            "the error of a refused plugin lists all mismatches of all items",
            every_mismatch,
        ),
        scenario(
            "a_mismatch_is_described_in_full",
            "a mismatch names the item, the field, both values and both sites, and gives advice",
            mismatch_in_words,
        ),
        scenario(
            "a_refused_plugin_leaves_nothing_behind",
            "a refused plugin is unmapped and not registered, and the host's values are unchanged",
            nothing_is_left,
        ),
        scenario(
            "a_corrected_plugin_loads_from_the_same_path",
            "a valid plugin that replaces the file of a refused one loads",
            fixed_plugin,
        ),
        scenario(
            "different_layouts_are_refused_within_one_compiler",
            "a StableAbi type with another layout is refused even if one compiler built both sides",
            layouts_decide,
        ),
        scenario(
            "stable_layouts_are_detected",
            "the macros detect whether a type implements StableAbi",
            layouts_are_found,
        ),
        scenario(
            "types_that_nothing_proves_equal_are_refused",
            "types with the same name and size are refused if their crate was edited; the error says what differs",
            unproven_type,
        ),
        scenario(
            "unproven_types_can_be_accepted",
            "accept_unproven accepts types of the same name and compiler, and no others; the snapshot marks them",
            accepted_type,
        ),
        scenario(
            "types_can_be_trusted",
            "trust_types accepts a type that is not proven equal; the snapshot marks it",
            trusted_type,
        ),
        scenario(
            "trust_does_not_cover_other_kinds_and_sizes",
            "trust_types refuses a different kind, size, alignment or needs-drop",
            trust_has_limits,
        ),
        scenario(
            "trust_does_not_cover_different_layouts",
            "trust_types refuses types whose layouts are known to differ",
            trust_and_layouts,
        ),
        scenario(
            "items_that_are_alike_are_shared_between_equal_builds_only",
            "items that are written alike in one function are refused if the builds of their crate differ",
            other_builds_of_items_that_are_alike,
        ),
        any_compilers(
            "snapshot_of_a_thread_local",
            "the snapshot counts the threads that have a value, and its bytes",
            thread_local_rows,
        ),
        any_compilers("snapshot_of_a_static", "the snapshot shows a static as empty, live or poisoned", static_rows),
        any_compilers(
            "snapshot_of_a_plugins_item",
            "the snapshot shows the plugin as the owner of an item that only it links",
            plugin_rows,
        ),
        Scenario::new(
            GROUP,
            "the_snapshot_names_the_owners_of_values",
            "the owner of a value is the plugin that built it, not the one that was registered first",
            owners_of_values,
        ),
        any_compilers("snapshot_as_a_table", "the display form of a snapshot is a table with a line per item", table),
    ])
}

/// The sources of the host's version and of the changed version.
const KNOWN: &str = include_str!("../../../test-plugins/versions/v0_3_1/src/lib.rs");
const CHANGED: &str = include_str!("../../../test-plugins/versions/v0_3_3/src/lib.rs");

/// Asserts that `site` is in `file`, at the line of `source` that contains `text`.
#[track_caller]
fn is_at(site: &str, file: &str, source: &str, text: &str) {
    let line = 1 + source.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no line has {text}"));
    let site = site.replace('\\', "/");
    let (file_and_line, column) = site.rsplit_once(':').unwrap_or_else(|| panic!("{site} has no column"));
    assert!(file_and_line.ends_with(&format!("{file}:{line}")), "{site} is {file}:{line}");
    assert!(column.parse::<u32>().is_ok_and(|column| column > 0), "{site} has a column");
}

/// The mismatches of a plugin that must be refused because of its items.
#[track_caller]
fn rejected(outcome: Result<Plugin, LoadError>) -> Vec<Mismatch> {
    let error = outcome.expect_err("this must not load");
    assert!(!error.mismatches().is_empty(), "refused for another reason: {error}");
    error.mismatches().to_vec()
}

/// The item's row in a snapshot. The first one if two versions of the item are registered.
#[track_caller]
fn row(item: &str) -> SnapshotItem {
    let snapshot = snapshot();
    snapshot.items().iter().find(|row| row.path == item).unwrap_or_else(|| panic!("no {item} in\n{snapshot}")).clone()
}

fn compatible_versions(bench: &Bench) {
    COUNT.set(5);
    let plugin = bench.load("newer-patch");
    assert_eq!(plugin.call("versioned_add", 2).number(), 7);
    assert_eq!(COUNT.get(), 7);
    assert_eq!(plugin.call("versioned_address", 0), COUNT.with(test_api::outcome::address));

    plugin.call("versioned_push", 1);
    NAMES.lock().expect("not poisoned").push("the host's".to_owned());
    assert_eq!(plugin.call("versioned_names", 0).text(), "name 1, the host's");

    plugin.call("versioned_style", 12);
    let style = STYLE.get();
    assert!(style.bold && style.size == 12);
    // Each version has its own type with this name, so only the layouts can have proven them equal.
    assert!(!row("versioned::STYLE").unproven);
}

fn incompatible_versions(bench: &Bench) {
    COUNT.set(5);
    MODE.with(|mode| mode.store(5, std::sync::atomic::Ordering::SeqCst));
    let before = snapshot().items().len();
    let plugin = bench.load("next-version");
    assert_eq!(plugin.call("versioned_add", 1).number(), 1);
    assert_eq!(COUNT.get(), 5);
    assert_ne!(plugin.call("versioned_address", 0), COUNT.with(test_api::outcome::address));
    plugin.call("versioned_push", 1);
    assert!(NAMES.lock().expect("not poisoned").is_empty());
    // A static in the plugin and a thread-local in the host, which are not compared.
    assert_eq!(plugin.call("versioned_mode", 1).number(), 0);

    let snapshot = snapshot();
    assert!(snapshot.items().len() >= before + 3, "{snapshot}");
    let owners: Vec<_> = snapshot
        .items()
        .iter()
        .filter(|row| row.path == "versioned::COUNT")
        .filter_map(|row| row.owner.as_deref())
        .collect();
    assert_eq!(owners.len(), 2, "{snapshot}");
    assert!(owners.contains(&plugin.plugin.name()), "{snapshot}");
}

/// The changes in 0.3.3: the item, the field, and parts of the values of both sides.
const CHANGES: &[(&str, MismatchField, &str, &str)] = &[
    ("MODE", MismatchField::Kind, "thread-local", "static"),
    ("LIMITS", MismatchField::Size, "8 bytes", "16 bytes"),
    ("BLOCK", MismatchField::Align, "8 bytes", "16 bytes"),
    ("HANDLE", MismatchField::NeedsDrop, "no", "yes"),
    ("BUFFER", MismatchField::Size, "12 bytes", "24 bytes"),
    ("BUFFER", MismatchField::Align, "4 bytes", "8 bytes"),
    (
        "SCALE",
        MismatchField::Type,
        "versioned::Scale>, with a stable layout",
        "versioned::Scale>, with a stable layout",
    ),
    ("NUMBER", MismatchField::Type, "Cell<u32>, with a stable layout", "Cell<i32>, with a stable layout"),
    ("NUMBERS", MismatchField::Type, "RVec<u32>, with a stable layout", "RVec<i32>, with a stable layout"),
    ("LOCKED", MismatchField::Type, "u32>, with a stable layout", "i32>, with a stable layout"),
    ("BORROWED", MismatchField::Type, "RefCell<u32>, with a stable", "RefCell<i32>, with a stable"),
    ("POSITION", MismatchField::Type, "versioned::Position>", "versioned::geometry::Position>"),
];

fn every_mismatch(bench: &Bench) {
    let mismatches = rejected(bench.try_load("changed"));
    let find = |item: &str, field| {
        let item = format!("versioned::{item}");
        mismatches.iter().find(|mismatch| mismatch.item == item && mismatch.field == field)
    };
    for &(item, field, known, offered) in CHANGES {
        let mismatch = find(item, field).unwrap_or_else(|| panic!("{field} of {item} is missing: {mismatches:#?}"));
        assert!(mismatch.known.value.contains(known), "{known:?} in {mismatch}");
        assert!(mismatch.offered.value.contains(offered), "{offered:?} in {mismatch}");
    }
    assert_eq!(mismatches.len(), CHANGES.len(), "nothing else is reported: {mismatches:#?}");
}

fn mismatch_in_words(bench: &Bench) {
    let error = bench.try_load("changed").expect_err("this must not load");
    let (plugin, text) = (bench.path("changed"), error.to_string());
    let plugin = plugin.file_name().expect("a file").to_string_lossy();
    let host = std::env::current_exe().expect("the host has a file");
    let host = match host.file_name().expect("a file").to_string_lossy().into_owned() {
        executable if executable.contains("as-library") => format!("{DLL_PREFIX}test_host{DLL_SUFFIX}"),
        executable => executable,
    };
    assert_eq!(error.path(), bench.path("changed"));
    assert!(text.contains(&*bench.path("changed").to_string_lossy()), "{text}");

    for mismatch in error.mismatches() {
        assert_eq!(mismatch.known.binary, host);
        assert_eq!(mismatch.offered.binary, plugin);
        let name = mismatch.item.strip_prefix("versioned::").expect("an item of the crate");
        let in_source = |source: &str| {
            let form = format!("static ref {name}:");
            if source.contains(&form) { form } else { format!("static {name}:") }
        };
        is_at(&mismatch.known.site, "v0_3_1/src/lib.rs", KNOWN, &in_source(KNOWN));
        is_at(&mismatch.offered.site, "v0_3_3/src/lib.rs", CHANGED, &in_source(CHANGED));

        let own = mismatch.to_string();
        assert!(text.contains(&own), "{text} has {own}");
        let field = format!("{} differs", mismatch.field);
        let parts = [&mismatch.item, &field, &mismatch.advice];
        let sides =
            [&mismatch.known, &mismatch.offered].into_iter().flat_map(|side| [&side.binary, &side.value, &side.site]);
        for part in parts.into_iter().chain(sides) {
            assert!(!part.is_empty() && own.contains(part), "{own} has {part:?}");
        }
        assert!(mismatch.advice.contains("the same version"), "{own}");
        assert!(mismatch.builds.iter().any(|difference| difference.contains("lib.rs differs")), "{own}");
    }
}

fn nothing_is_left(bench: &Bench) {
    COUNT.set(5);
    assert_eq!(versioned::HANDLE.0, 7);
    NAMES.lock().expect("not poisoned").push("the host's".to_owned());
    let path = bench.path("changed");
    let before = snapshot();
    for _ in 0..3 {
        rejected(bench.try_load("changed"));
        assert_eq!(snapshot(), before, "nothing is registered");
        if cfg!(target_os = "linux") {
            assert!(!is_mapped(&path), "nothing stays mapped");
        }
    }

    // Items that agreed with the host's, items that did not, and items that the plugin does not link.
    assert_eq!(COUNT.get(), 5);
    assert_eq!(NAMES.lock().expect("not poisoned").len(), 1);
    assert_eq!(MODE.with(|mode| mode.load(std::sync::atomic::Ordering::SeqCst)), 0);
    thread::spawn(|| COUNT.set(1)).join().expect("other threads can use the item");
    let other = bench.load("first");
    assert_eq!(other.call("counter_add", 1).number(), 1);
    let patch = bench.load("newer-patch");
    assert_eq!(patch.call("versioned_add", 1).number(), 6);
    assert!(snapshot().to_string().contains("versioned::COUNT"));
}

fn fixed_plugin(bench: &Bench) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("plugin.so");
    let copy = |name| fs::copy(bench.path(name), &path).expect("the plugin can be copied");
    // SAFETY: the files are plugins of this workspace, and their initializers may run here.
    let load = || unsafe { Plugin::load(&path) };
    copy("changed");
    assert_eq!(rejected(load()).len(), CHANGES.len());
    copy("newer-patch");
    let plugin = load().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(plugin.name(), "plugin.so");
    assert!(row("versioned::COUNT").binaries.contains(&"plugin.so".to_owned()));
}

fn layouts_decide(bench: &Bench) {
    let mismatches = rejected(bench.try_load("changed"));
    let scale = mismatches.iter().find(|mismatch| mismatch.item == "versioned::SCALE").expect("its layout differs");
    // The size, the alignment and the compiler are the same.
    assert_eq!(scale.field, MismatchField::Type);
    assert!(scale.known.value.contains("rustc ") && scale.offered.value.contains("rustc "), "{scale}");
    let shown = scale.to_string();
    assert!(shown.contains("steps") && shown.contains("factor"), "the mismatch shows the difference: {scale}");
}

fn layouts_are_found(bench: &Bench) {
    let mismatches = rejected(bench.try_load("changed"));
    let has_layout = |item: &str| {
        let mismatch = mismatches.iter().find(|mismatch| mismatch.item == item).expect("its type differs");
        let says =
            |value: &str| match (value.contains(", with a stable layout"), value.contains(", without a stable layout"))
            {
                (true, false) => true,
                (false, true) => false,
                _ => panic!("{value} says nothing about the layout"),
            };
        assert_eq!(says(&mismatch.known.value), says(&mismatch.offered.value));
        says(&mismatch.known.value)
    };
    // The types are `Cell<u32>`, `RVec<u32>`, `RMutex<u32>` and one that derives `StableAbi`.
    for item in ["versioned::NUMBER", "versioned::NUMBERS", "versioned::LOCKED", "versioned::SCALE"] {
        assert!(has_layout(item), "{item}");
    }
    // `RefCell` does not implement `StableAbi`. The layout is that of its argument.
    assert!(has_layout("versioned::BORROWED"));
    // The argument does not implement it either.
    assert!(!has_layout("versioned::POSITION"));
}

fn unproven_type(bench: &Bench) {
    let error = bench.try_load("renamed-fields").expect_err("the fields of `Span` have other names");
    let [span] = error.mismatches() else { panic!("one type was edited: {error}") };
    assert_eq!((span.item.as_str(), span.field), ("versioned::SPAN", MismatchField::Unproven));
    for part in ["package versioned 0.3.1 in ", "versioned 0.3.5 in ", "the source file lib.rs differs"] {
        assert!(span.builds.iter().any(|difference| difference.contains(part)), "{part} is told: {span}");
    }
    assert!(span.advice.contains("Shape") && span.advice.contains("the same sources"), "{span}");
    let text = error.to_string();
    assert!(span.builds.iter().all(|difference| text.contains(difference)), "{text}");
}

fn accepted_type(bench: &Bench) {
    let load = |name| {
        // SAFETY: the files are plugins of this workspace. Types of the same name have the same layouts as the host's.
        unsafe { Plugin::options().accept_unproven(true).load(bench.path(name)) }
    };
    let mismatches = rejected(load("moved-type"));
    assert_eq!(mismatches[0].field, MismatchField::Type, "a type with another name: {mismatches:#?}");

    assert!(!row("versioned::SPAN").unproven);
    load("renamed-fields").unwrap_or_else(|error| panic!("{error}"));
    assert!(row("versioned::SPAN").unproven, "only the host says that the types are the same");
    assert!(!row("versioned::COUNT").unproven, "both sides have the same type");
    // This is another handle to the plugin that is loaded and accepted.
    let plugin = bench.load("renamed-fields");
    plugin.call("versioned_span", 3);
    let span = SPAN.get();
    assert_eq!((span.start, span.end), (3, 1), "both sides share a value");
    let table = snapshot().to_string();
    let line = table.lines().find(|line| line.contains("versioned::SPAN")).expect("the item has a line");
    assert!(line.contains("unproven"), "{line}");
    let line = table.lines().find(|line| line.contains("versioned::COUNT")).expect("the item has a line");
    assert!(!line.contains("unproven"), "{line}");

    // Another plugin with the same build as one that was accepted is not proven by that.
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let copy = folder.path().join("copy.so");
    fs::copy(bench.path("renamed-fields"), &copy).expect("the plugin can be copied");
    // SAFETY: the file is a copy of a plugin of this workspace.
    let mismatches = rejected(unsafe { Plugin::load(&copy) });
    assert_eq!(mismatches.len(), 1, "{mismatches:#?}");
}

fn trusting_load(path: &Path) -> Result<Plugin, LoadError> {
    // SAFETY: the files are plugins of this workspace. Their types have the same layouts as the host's, or they are
    // refused.
    unsafe { Plugin::options().trust_types(true).load(path) }
}

fn trusted_type(bench: &Bench) {
    let mismatches = rejected(bench.try_load("moved-type"));
    let [mismatch] = mismatches.as_slice() else { panic!("one type has moved: {mismatches:#?}") };
    assert_eq!((mismatch.item.as_str(), mismatch.field), ("versioned::POSITION", MismatchField::Type));

    let plugin = trusting_load(&bench.path("moved-type")).unwrap_or_else(|error| panic!("{error}"));
    assert!(row("versioned::POSITION").unproven);
    assert!(!row("versioned::COUNT").unproven);
    drop(plugin);
    // This is another handle to the plugin that is already loaded and trusted.
    let plugin = bench.load("moved-type");
    plugin.call("versioned_go_to", 17);
    assert_eq!(POSITION.with_borrow(|position| position.line), 17);
}

fn trust_has_limits(bench: &Bench) {
    let before = snapshot();
    let mismatches = rejected(trusting_load(&bench.path("changed")));
    for &(item, field, _, _) in CHANGES.iter().filter(|(_, field, _, _)| *field != MismatchField::Type) {
        let matches = |mismatch: &Mismatch| mismatch.item == format!("versioned::{item}") && mismatch.field == field;
        assert!(mismatches.iter().any(matches), "{field} of {item} is missing: {mismatches:#?}");
    }
    assert!(!mismatches.iter().any(|mismatch| mismatch.item == "versioned::POSITION"), "its type is trusted");
    assert_eq!(snapshot(), before, "nothing is registered");
}

fn trust_and_layouts(bench: &Bench) {
    let mismatches = rejected(trusting_load(&bench.path("changed")));
    for item in ["versioned::SCALE", "versioned::NUMBER"] {
        let reported = mismatches.iter().any(|mismatch| mismatch.item == item && mismatch.field == MismatchField::Type);
        assert!(reported, "{item}, whose layout differs, is missing: {mismatches:#?}");
    }
}

fn other_builds_of_items_that_are_alike(bench: &Bench) {
    let before = snapshot();
    let mismatches = rejected(bench.try_load("other-blocks"));
    let of = |path: &str| mismatches.iter().filter(|mismatch| mismatch.item == path).collect::<Vec<_>>();
    let (two, some) = (of("versioned::of_two::ALIKE"), of("versioned::of_some::ALIKE"));
    assert_eq!((two.len(), some.len(), mismatches.len()), (2, 1, 3), "{mismatches:#?}");
    for (mismatch, line) in
        two.iter().map(|two| (two, "block of two")).chain(some.iter().map(|some| (some, "block of some")))
    {
        assert_eq!(mismatch.field, MismatchField::Declaration, "{mismatch}");
        assert!(mismatch.advice.contains("a name of its own"), "{mismatch}");
        let sites = KNOWN.lines().enumerate().filter(|(_, text)| text.contains(line)).map(|(index, _)| index + 1);
        let is_there = |number: usize| mismatch.known.site.contains(&format!("v0_3_1/src/lib.rs:{number}:"));
        assert!(sites.into_iter().any(is_there), "{mismatch}");
    }
    assert_eq!(snapshot(), before, "nothing is registered");
    assert_eq!([0, 1].map(versioned::of_two), [1, 2]);
    assert_eq!([0, 1].map(versioned::of_some), [1, 2]);
}

fn thread_local_rows(bench: &Bench) {
    let host = row("test_stable_api::COUNT");
    assert_eq!((host.kind, host.state), (SnapshotKind::ThreadLocal, SnapshotState::Empty));
    assert_eq!((host.threads, host.bytes, host.ty.as_str()), (0, 0, "Cell<u32>"));
    let owner = host.owner.as_deref().expect("the host owns items that it links");
    assert_eq!(host.binaries, [owner]);

    let plugin = StableItems::load(bench.path("stable-items"));
    let threads_and_bytes = || {
        let row = row("test_stable_api::COUNT");
        let empty = row.threads == 0;
        assert_eq!(row.state, if empty { SnapshotState::Empty } else { SnapshotState::Live });
        assert_eq!(row.owner.as_deref(), Some(owner), "the host owns items that it links");
        assert!(
            row.binaries.iter().any(|name| name == owner)
                && row.binaries.iter().any(|name| name == plugin.plugin.name())
        );
        assert_eq!(row.binaries.len(), 2);
        (row.threads, row.bytes)
    };
    assert_eq!(threads_and_bytes(), (0, 0), "loading creates no values");
    plugin.run(AddCount, 1);
    assert_eq!(threads_and_bytes(), (1, 4));

    let (touched, seen) = (Barrier::new(3), Barrier::new(3));
    thread::scope(|scope| {
        let touch = || {
            plugin.run(AddCount, 1);
            touched.wait();
            seen.wait();
        };
        let threads = [scope.spawn(touch), scope.spawn(touch)];
        touched.wait();
        assert_eq!(threads_and_bytes(), (3, 12));
        seen.wait();
        for thread in threads {
            thread.join().expect("the thread does not panic");
        }
    });
    assert_eq!(threads_and_bytes(), (1, 4), "threads that have ended do not count");
}

fn static_rows(bench: &Bench) {
    plugin_tls::lazy_static! {
        static ref BROKEN: u8 = panic!("on purpose");
    }

    let empty = row("test_stable_api::TOTAL");
    assert_eq!((empty.kind, empty.state), (SnapshotKind::Static, SnapshotState::Empty));
    assert_eq!((empty.threads, empty.bytes, empty.ty.as_str()), (0, 0, "RMutex<u64>"));

    let plugin = StableItems::load(bench.path("stable-items"));
    plugin.run(AddTotal, 1);
    let live = row("test_stable_api::TOTAL");
    assert_eq!((live.state, live.threads), (SnapshotState::Live, 0));
    assert_eq!(live.bytes, size_of::<RMutex<u64>>());
    assert_eq!((live.owner, live.binaries.len()), (empty.owner, 2));

    assert!(catch_unwind(|| *BROKEN).is_err());
    let broken = row("test_host::scenarios::verification::static_rows::BROKEN");
    assert_eq!((broken.state, broken.bytes), (SnapshotState::Poisoned, 0));
}

/// Two plugins link an item that the host does not.
fn owners_of_values(bench: &Bench) {
    let [first, second] = ["first", "second"].map(|name| bench.load(name));
    let item = "test_plugin_api::PLUGIN_COUNTER";
    assert_eq!((row(item).owner, row(item).owners.len()), (None, 0), "either may build a value");
    second.call("plugin_counter_add", 1).number();
    let second_name = second.plugin.name().to_owned();
    assert_eq!(row(item).owner.as_ref(), Some(&second_name), "the plugin that was registered second has built it");
    let operations = first.operations();
    let both = std::thread::spawn(move || {
        operations.call("plugin_counter_add", 1).number();
        row("test_plugin_api::PLUGIN_COUNTER")
    });
    let both = both.join().expect("the thread does not panic");
    assert_eq!((both.owner, both.owners.len(), both.threads), (None, 2, 2));
    assert_eq!(row(item).owners, [second_name], "the other thread has ended");
}

fn plugin_rows(bench: &Bench) {
    let plugin = StableItems::load(bench.path("stable-items"));
    plugin.own_calls();
    let own = row("test_plugin_stable_items::OWN");
    assert_eq!(own.owner.as_deref(), Some(plugin.plugin.name()));
    assert_eq!(own.binaries, [plugin.plugin.name()]);
    assert_eq!((own.state, own.threads, own.bytes), (SnapshotState::Live, 1, 8));
    assert!(!own.unproven);
}

fn table(bench: &Bench) {
    let plugin = StableItems::load(bench.path("stable-items"));
    plugin.run(AddCount, 1);
    plugin.run(AddTotal, 1);
    let snapshot = snapshot();
    let text = snapshot.to_string();
    let cells = |line: &str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let header = text.lines().next().expect("a table has lines");
    assert_eq!(cells(header), ["item", "type", "kind", "owner", "state", "threads", "bytes"]);
    assert_eq!(text.lines().count(), 1 + snapshot.items().len(), "a line for each item");

    let line = |item: &str| cells(text.lines().find(|line| line.contains(item)).expect("the item has a line"));
    let owner = row("test_stable_api::COUNT").owner.expect("the host owns it");
    let count = ["test_stable_api::COUNT", "Cell<u32>", "thread-local", &owner, "live", "1", "4"];
    assert_eq!(line("test_stable_api::COUNT"), count);
    let bytes = size_of::<RMutex<u64>>().to_string();
    let total = ["test_stable_api::TOTAL", "RMutex<u64>", "static", &owner, "live", "-", &bytes];
    assert_eq!(line("test_stable_api::TOTAL"), total);
    let own = ["test_plugin_stable_items::OWN", "Cell<u64>", "thread-local", plugin.plugin.name(), "empty", "0", "0"];
    assert_eq!(line("test_plugin_stable_items::OWN"), own);
}
