//! What `Plugin::report` says.

use plugin_tls::host::{LoadReport, Plugin, ReportItem, SharingProof};

use crate::bench::Bench;
use crate::scenario::Scenario;

const GROUP: &str = "report";

pub fn scenarios() -> Vec<Scenario> {
    Vec::from([
        Scenario::new(
            GROUP,
            "the_report_names_who_shares_an_item_and_the_proof",
            "the report lists each item of a plugin with the binaries that share it and what proves the types equal",
            sharing,
        ),
        Scenario::new(
            GROUP,
            "the_report_names_items_that_look_alike",
            "the report lists items that are not shared because version, module or type differ, with the difference",
            near_misses,
        ),
        Scenario::new(
            GROUP,
            "the_report_tells_how_builds_differ",
            "the report says in words how the builds of a crate differ whose items are shared nevertheless",
            differences,
        ),
        Scenario::new(
            GROUP,
            "the_report_says_what_became_of_items_that_the_host_does_not_link",
            "the report names no owner for an item that only plugins link, and shows it as shared between them",
            items_of_plugins,
        ),
    ])
}

/// The item of a report.
#[track_caller]
fn item<'a>(report: &'a LoadReport, path: &str) -> &'a ReportItem {
    report.items().iter().find(|item| item.path == path).unwrap_or_else(|| panic!("no {path} in\n{report}"))
}

/// The binaries that share an item, and the proofs.
fn shared<'a>(report: &'a LoadReport, path: &str) -> Vec<(&'a str, SharingProof)> {
    item(report, path).shared_with.iter().map(|with| (with.binary.as_str(), with.proof)).collect()
}

/// The name of the binary that the host is.
fn own_name(report: &LoadReport) -> String {
    item(report, "versioned::COUNT").owner.clone().expect("the host links the item")
}

fn sharing(bench: &Bench) {
    let plugin = bench.load("newer-patch");
    let report = plugin.plugin.report();
    let host = own_name(report);
    assert_eq!(shared(report, "versioned::COUNT"), [(host.as_str(), SharingProof::Layout)]);
    assert_eq!(shared(report, "versioned::NAMES"), [(host.as_str(), SharingProof::Std)]);
    assert_eq!(shared(report, "versioned::STYLE"), [(host.as_str(), SharingProof::Layout)]);

    let first = bench.load("first");
    let items = first.plugin.report();
    let both = [(host.as_str(), SharingProof::Build), (plugin.plugin.name(), SharingProof::Build)];
    assert_eq!(shared(items, "test_api::items::TAGS"), both);
    assert!(items.differences().is_empty() && items.near_misses().is_empty(), "{items}");

    // SAFETY: the types of the plugin and of the host have the same layouts.
    let renamed = unsafe { Plugin::options().accept_unproven(true).load(bench.path("renamed-fields")) };
    let renamed = renamed.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shared(renamed.report(), "versioned::SPAN"), [(host.as_str(), SharingProof::SameName)]);
    assert_eq!(shared(renamed.report(), "versioned::COUNT").len(), 2, "the patch version has the item, too");

    let table = report.to_string();
    let line = table.lines().find(|line| line.contains("versioned::NAMES")).expect("the item has a line");
    for part in ["Mutex<Vec<String>>", host.as_str(), "types of std"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(table.trim_start().starts_with("item ") && table.lines().count() > report.items().len(), "{table}");
}

fn near_misses(bench: &Bench) {
    let plugin = bench.load("next-version");
    let report = plugin.plugin.report();
    assert!(item(report, "versioned::COUNT").shared_with.is_empty());
    let misses: Vec<_> = report.near_misses().iter().filter(|miss| miss.path == "versioned::COUNT").collect();
    let [miss] = misses.as_slice() else { panic!("one near miss: {report}") };
    assert_eq!(miss.difference, "version 0.4 here, 0.3 there");
    let line = format!("versioned::COUNT is not that of {}: {}", miss.binary, miss.difference);
    assert!(report.to_string().contains(&line), "{report}");
}

fn differences(bench: &Bench) {
    let plugin = bench.load("newer-patch");
    let report = plugin.plugin.report();
    let (host, own) = (own_name(report), plugin.plugin.name());
    let version = format!("versioned: package versioned 0.3.1 in {host}, versioned 0.3.2 in {own}");
    assert!(report.differences().contains(&version), "{report}");
    assert!(report.differences().contains(&"versioned: the source file lib.rs differs".to_owned()), "{report}");
}

fn items_of_plugins(bench: &Bench) {
    let first = bench.load("first");
    let path = "test_plugin_api::PLUGIN_COUNTER";
    let alone = first.plugin.report();
    assert_eq!((item(alone, path).owner.as_deref(), shared(alone, path).len()), (None, 0));
    let second = bench.load("second");
    let both = second.plugin.report();
    assert_eq!(shared(both, path), [(first.plugin.name(), SharingProof::Build)]);
    assert_eq!(item(both, path).owner, None);
}
