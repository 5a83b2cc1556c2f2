//! Items that a store could confuse, because their names, types or modules are equal or similar.

use std::collections::HashMap;

use plugin_tls::host::{Plugin, snapshot};
use test_api::identity::{ALIKE, PLACES};

use crate::bench::{Bench, host};
use crate::scenario::Scenario;

const GROUP: &str = "identity";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "functions_of_one_module_have_their_own_items",
            "two functions that declare the same name and type have two items; host and plugin share each",
            |bench| same_and_apart(bench, &["left", "right", "left_static", "right_static"]),
        ),
        Scenario::new(
            GROUP,
            "name_and_type_are_compared_separately",
            "`A: BC` and `AB: C` in one module are two items",
            name_and_type,
        ),
        Scenario::new(
            GROUP,
            "modules_of_one_crate_have_their_own_items",
            "two modules that declare the same name and type have two items; host and plugin share each",
            |bench| same_and_apart(bench, &["north", "south", "north_of_all", "south_of_all"]),
        ),
        Scenario::new(
            GROUP,
            "items_within_methods_and_closures_are_shared",
            "each item in a method, trait method, closure or generic function is one item, which host and plugin share",
            |bench| same_and_apart(bench, PLACES),
        ),
        Scenario::new(
            GROUP,
            "instances_of_a_generic_function_share_its_items",
            "all instances of a generic function have one item, as with std, even across binaries",
            generic,
        ),
        Scenario::new(
            GROUP,
            "items_that_are_written_alike_are_shared",
            "blocks, closures and constants that declare the same item have one each; host and plugins share each",
            |bench| same_and_apart(bench, ALIKE),
        ),
        Scenario::new(
            GROUP,
            "items_of_a_cdylib_belong_to_its_image",
            "items of a crate that is a cdylib only are not shared with another image, of the same crate or of another",
            own_items,
        ),
    ])
}

/// A copy of a plugin stands for an unrelated plugin whose crate has the same name.
fn own_items(bench: &Bench) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let copy = folder.path().join("copy.so");
    std::fs::copy(bench.path("alike"), &copy).expect("the plugin can be copied");
    for _ in 0..2 {
        let plugins = [bench.path("alike"), copy.clone()].map(|path| {
            // SAFETY: the files are plugins of this workspace, and their initializers may run here.
            unsafe { Plugin::load(path) }.unwrap_or_else(|error| panic!("{error}"))
        });
        let before = snapshot().items().len();
        for plugin in &plugins {
            for (function, numbers) in [("twice_thread_local", [3, 5]), ("twice_static", [3, 5]), ("once", [3, 4])] {
                // SAFETY: the plugin exports functions of this type, and it stays loaded meanwhile.
                let function = unsafe { plugin.get::<extern "C" fn() -> u32>(function.as_bytes()) };
                let function = function.unwrap_or_else(|error| panic!("{error}"));
                assert_eq!([function(), function()], numbers, "the values of each item are its own");
            }
        }
        let snapshot = snapshot();
        assert_eq!(snapshot.items().len(), before, "loading a plugin again needs no more items: {snapshot}");
        for plugin in plugins {
            // SAFETY: nothing of the plugin is in use.
            let unloaded = unsafe { plugin.unload() }.unwrap_or_else(|error| panic!("{error}"));
            assert!(unloaded.is_unmapped());
        }
    }
}

/// Asserts that each place is one item for host and plugins, and that no two places are the same item.
fn same_and_apart(bench: &Bench, places: &[&'static str]) {
    let (first, second) = (bench.load("first"), bench.load("second"));
    let mut seen = HashMap::new();
    for (turn, &place) in places.iter().enumerate() {
        let call = |binary: usize| match binary % 3 {
            0 => host(place, 0),
            1 => first.call(place, 0),
            _ => second.call(place, 0),
        };
        // Rotate, so that each binary makes the first access at some places.
        let addresses = [0, 1, 2].map(|binary| call(turn + binary).number());
        assert_eq!(addresses, [addresses[0]; 3], "{place} is one item");
        if let Some(other) = seen.insert(addresses[0], place) {
            panic!("{place} and {other} are the same item");
        }
    }
}

fn name_and_type(bench: &Bench) {
    let first = bench.load("first");
    same_and_apart(bench, &["a", "ab"]);
    assert_eq!([first.call("a_value", 0).number(), host("a_value", 0).number()], [11, 11]);
    assert_eq!([first.call("ab_value", 0).number(), host("ab_value", 0).number()], [176, 176]);
}

fn generic(bench: &Bench) {
    let first = bench.load("first");
    for [one, other] in [["generic_of_u8", "generic_of_u16"], ["static_in_generic_of_u8", "static_in_generic_of_u16"]] {
        let address = first.call(one, 0).number();
        assert_eq!(host(other, 0).number(), address, "{one} of the plugin, {other} of the host");
        assert_eq!(first.call(other, 0).number(), address, "{other} of the plugin");
        assert_eq!(host(one, 0).number(), address, "{one} of the host");
    }
    let provided = [first.call("provided_method", 1), host("provided_method", 0), first.call("provided_method", 0)];
    assert_eq!(provided[0], provided[1], "two types use the default method of a trait");
    assert_eq!(provided[0], provided[2], "two types use the default method of a trait");
}
