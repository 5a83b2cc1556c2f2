//! A host and plugins from different compilers.
//!
//! Compilers may lay out the same type differently, so only types with a stable layout can be shared.

use plugin_tls::host::{LoadErrorKind, MismatchField, Plugin, snapshot};
use test_plan::Compilers;
use test_stable_api::Operation::{self, AddCount, AddTotal, CountAddress, HasName, Move, PushName, TotalAddress};
use test_stable_api::{COUNT, NAMES, POSITION, Position, TOTAL, run};

use crate::bench::{Bench, host, is_mapped};
use crate::scenario::Scenario;
use crate::stable::StableItems;

const GROUP: &str = "compilers";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "types_with_stable_layouts_are_shared_across_compilers",
            "a plugin whose types are all StableAbi loads and shares values, even if another compiler built it",
            stable_layouts,
        )
        .compilers(Compilers::Any),
        Scenario::new(
            GROUP,
            "types_without_stable_layouts_are_refused_across_compilers",
            "another compiler's plugin is refused; the error names each type without stable layout and both compilers",
            other_types,
        )
        .compilers(Compilers::Different),
        Scenario::new(
            GROUP,
            "trusted_types_can_come_from_another_compiler",
            "trust_types accepts another compiler's plugin; the snapshot marks types that are not proven equal",
            trusted_compiler,
        )
        .compilers(Compilers::Different),
    ])
}

fn stable_layouts(bench: &Bench) {
    COUNT.set(1);
    let plugin = StableItems::load(bench.path("stable-items"));
    assert_eq!(plugin.run(AddCount, 2), 3);
    assert_eq!(COUNT.get(), 3);
    assert_eq!(plugin.run(CountAddress, 0), run(CountAddress, 0));

    assert_eq!(plugin.run(AddTotal, 5), 1005);
    assert_eq!(*TOTAL.lock(), 1005);
    assert_eq!(plugin.run(TotalAddress, 0), run(TotalAddress, 0));

    // Both sides push strings to one vector, so that both allocate and reallocate its memory.
    for name in 0..20 {
        let side: &dyn Fn(Operation, u64) -> u64 = if name % 2 == 0 { &run } else { &|op, n| plugin.run(op, n) };
        assert_eq!(side(PushName, name), name + 1);
    }
    for name in 0..20 {
        assert_eq!((run(HasName, name), plugin.run(HasName, name)), (1, 1));
    }
    NAMES.lock().clear();
    assert_eq!(plugin.run(HasName, 1), 0);

    POSITION.set(Position { x: 2, y: 0.5 });
    assert_eq!(plugin.run(Move, 2), 8);
    assert_eq!(POSITION.get(), Position { x: 4, y: 2.5 });

    let snapshot = snapshot();
    let shared: Vec<_> =
        snapshot.items().iter().filter(|row| row.binaries.iter().any(|name| name == plugin.plugin.name())).collect();
    assert!(shared.len() >= 5, "{snapshot}");
    assert!(shared.iter().all(|row| !row.unproven), "{snapshot}");
}

fn other_types(bench: &Bench) {
    let before = snapshot();
    let error = bench.try_load("first").expect_err("this must not load");
    assert!(matches!(error.kind(), LoadErrorKind::Rejected { .. }), "{error}");
    let text = error.to_string();
    let of = |item: &str| error.mismatches().iter().find(|mismatch| mismatch.item == item);

    let tags = of("test_api::items::TAGS").unwrap_or_else(|| panic!("a RefCell has no stable layout: {text}"));
    assert_eq!(tags.field, MismatchField::Unproven);
    let compiler = |value: &str| {
        let (_, name) = value.split_once("by rustc ").unwrap_or_else(|| panic!("{value} names a compiler"));
        name.to_owned()
    };
    let (hosts, plugins) = (compiler(&tags.known.value), compiler(&tags.offered.value));
    assert_ne!(hosts, plugins, "two compilers: {tags}");
    assert!(tags.advice.contains("the same compiler") && tags.advice.contains("StableAbi"), "{tags}");
    for part in [&hosts, &plugins, &tags.known.site, &tags.offered.site] {
        assert!(!part.is_empty() && text.contains(part), "{part:?} in {text}");
    }

    // A `Cell<u64>` has a stable layout, so it is not reported.
    assert!(of("test_api::items::COUNTER").is_none(), "{text}");
    assert_eq!(snapshot(), before, "nothing is registered");
    if cfg!(target_os = "linux") {
        assert!(!is_mapped(&bench.path("first")), "nothing stays mapped");
    }
    assert_eq!(StableItems::load(bench.path("stable-items")).run(AddCount, 1), 1, "other plugins can still be loaded");
}

fn trusted_compiler(bench: &Bench) {
    // SAFETY: the host and the plugin are built from the same sources. The scenario accesses an `Rc` and a `Cell`,
    // whose layouts are the same in both compilers.
    let trusted = unsafe { Plugin::options().trust_types(true).load(bench.path("first")) };
    trusted.unwrap_or_else(|error| panic!("{error}"));
    // This is another handle to the plugin that is already loaded and trusted.
    let plugin = bench.load("first");
    assert_eq!(plugin.call("counter_add", 2).number(), 2);
    assert_eq!(host("counter_add", 1).number(), 3);
    plugin.call("shared_add", 3);
    assert_eq!(test_api::items::SHARED.with(|shared| shared.get()), 10);

    let snapshot = snapshot();
    let unproven = |item: &str| snapshot.items().iter().find(|row| row.path == item).expect("it is there").unproven;
    assert!(unproven("test_api::items::SHARED") && unproven("test_api::items::TAGS"), "{snapshot}");
    assert!(!unproven("test_api::items::COUNTER"), "proven by its layout: {snapshot}");
}
