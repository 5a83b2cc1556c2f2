//! The rows of the table: what is compared with what, and the targets.

use super::Samples;
use super::group::{Compile, Group};
use super::judge::{self, Judged, Limit, Unit};
use anyhow::Result;

/// What `--quick` says at its end.
pub(crate) const LEFT_OUT_BY_QUICK: &str =
    "--quick: no 1,000 items on a thread; fewer than otherwise are loaded and compiled, as the names say";

/// Lines that belong together, under one name.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) comparisons: Vec<Comparison>,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) ours: Quantity,
    /// What it is compared with; `None`: the limit is one of the quantity itself.
    pub(crate) against: Option<(&'static str, Quantity)>,
    pub(crate) limit: Limit,
    pub(crate) unit: Unit,
}

/// Samples of one label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantity {
    pub(crate) group: Group,
    pub(crate) label: &'static str,
    /// The label of what is not counted: the same without the item.
    pub(crate) net_of: Option<&'static str>,
}

impl Row {
    /// Every group that it takes samples of.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.comparisons.iter().flat_map(|comparison| {
            let against = comparison.against.map(|(_, quantity)| quantity.group);
            std::iter::once(comparison.ours.group).chain(against)
        })
    }

    /// Looks at the samples.
    pub(crate) fn judge(&self, samples: &Samples) -> Result<Judged> {
        judge::judge(self, samples)
    }

    fn has(&self, filter: Option<&str>) -> bool {
        filter.is_none_or(|filter| self.name.contains(filter))
    }
}

/// The rows whose name contains the filter, in the order of the table.
pub(crate) fn chosen(quick: bool, filter: Option<&str>) -> Vec<Row> {
    all(quick).into_iter().filter(|row| row.has(filter)).collect()
}

/// What a filter can be a part of.
pub(crate) fn names(quick: bool) -> Vec<String> {
    all(quick).into_iter().map(|row| row.name).collect()
}

/// Peers by their labels, and the labels of the empty calls in the same binary.
const PEERS: &[(&str, &str)] =
    &[("plugin_tls 0.4.1", "empty"), ("rubicon", "rubicon, empty"), ("rubicon unchecked", "rubicon unchecked, empty")];

fn all(quick: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    reads(&mut rows);
    statics(&mut rows, quick);
    threads(&mut rows, quick);
    loads(&mut rows, quick);
    sizes(&mut rows, quick);
    builds(&mut rows, quick);
    rows
}

fn reads(rows: &mut Vec<Row>) {
    for (name, group) in [
        ("read in a plugin, net of the call", Group::Work("read/plugin")),
        ("read in a plugin, with destructor, net of the call", Group::Work("read-drop/plugin")),
    ] {
        let net = |label, net_of| Quantity { group, label, net_of: Some(net_of) };
        let mut row = Row { name: name.to_owned(), comparisons: Vec::new() };
        row.add(net("ours", "empty"), ("std", net("std", "empty")), Limit::AtMost(0.25));
        for &(label, empty) in PEERS {
            row.add(net("ours", "empty"), (label, net(label, empty)), Limit::AtMost(0.2));
        }
        rows.push(row);
    }
    for (name, group) in [("read in the host", "read/host"), ("read in the host, with destructor", "read-drop/host")] {
        let group = Group::Work(group);
        let mut row = group.row(name);
        row.add(group.ours(), group.std(), Limit::AtMost(1.3));
        row.add(group.ours(), group.peer("plugin_tls 0.4.1"), Limit::None);
        rows.push(row);
    }
    for (name, group) in [
        ("loop of reads in a plugin", Group::Work("read-loop/plugin")),
        ("loop of reads in the host", Group::Work("read-loop/host")),
        ("loop that counts in a plugin", Group::Work("count-loop/plugin")),
        ("loop that counts in the host", Group::Work("count-loop/host")),
    ] {
        let mut row = group.row(name);
        row.add(group.ours(), group.std(), Limit::AtMost(1.5));
        row.add(group.ours(), group.peer("plugin_tls 0.4.1"), Limit::None);
        if name.ends_with("plugin") {
            row.add(group.ours(), group.peer("rubicon"), Limit::None);
        }
        rows.push(row);
    }
    for (name, group) in [
        ("fallback read in a plugin", Group::Work("read/fallback")),
        ("fallback read in a plugin, with destructor", Group::Work("read-drop/fallback")),
    ] {
        let mut row = group.row(name);
        row.add(group.ours(), group.std(), Limit::AtMost(1.2));
        rows.push(row);
    }
}

fn statics(rows: &mut Vec<Row>, quick: bool) {
    for (name, group) in [
        ("lazy_static! in a plugin", Group::Work("lazy/plugin")),
        ("lazy_static! in the host", Group::Work("lazy/host")),
    ] {
        let mut row = group.row(name);
        row.add(group.ours(), ("LazyLock", group.of("std")), Limit::AtMost(1.1));
        for label in ["lazy_static", "once_cell", "plugin_tls 0.4.1"] {
            row.add(group.ours(), group.peer(label), Limit::None);
        }
        if name.ends_with("plugin") {
            row.add(group.ours(), group.peer("rubicon"), Limit::None);
            row.add(group.ours(), group.peer("rubicon unchecked"), Limit::None);
        }
        rows.push(row);
    }
    let items = if quick { 100 } else { 1000 };
    let group = Group::Reload(items);
    let mut row = group.row(&format!("first touch of a lazy_static!, of {}", count(items)));
    row.add(group.ours(), ("LazyLock", group.of("std")), Limit::AtMost(3.0));
    rows.push(row);
}

fn threads(rows: &mut Vec<Row>, quick: bool) {
    for (items, plugin, host) in [
        (1, Group::Work("touch/plugin/1"), Group::Work("touch/host/1")),
        (100, Group::Work("touch/plugin/100"), Group::Work("touch/host/100")),
    ] {
        for (whose, group, label) in whose(plugin, host) {
            let net = |label| Quantity { group, label, net_of: Some("empty") };
            let mut row = group.row(&format!("first touch of {}, {whose}", count(items)));
            row.add(net(label), ("std", net("std")), Limit::AtMost(2.0));
            if group == plugin {
                // In a plugin of this library, the host hears of all that std does at the end of a thread.
                row.add(net(label), ("std, other plugin", net("std elsewhere")), Limit::None);
            }
            rows.push(row);
        }
    }
    let works = [
        (1, Group::Work("spawn/plugin/1"), Group::Work("spawn/host/1")),
        (10, Group::Work("spawn/plugin/10"), Group::Work("spawn/host/10")),
        (100, Group::Work("spawn/plugin/100"), Group::Work("spawn/host/100")),
        (1000, Group::WorkOfThousand("spawn/plugin/1000"), Group::WorkOfThousand("spawn/host/1000")),
    ];
    for (items, plugin, host) in works.into_iter().filter(|(items, ..)| !quick || *items < 1000) {
        for (whose, group, label) in whose(plugin, host) {
            let mut row = group.row(&format!("thread with {}, {whose}", count(items)));
            row.add(group.of(label), group.std(), Limit::AtMost(1.5));
            rows.push(row);
        }
    }
    let group = Group::Work("two-threads/plugin");
    let mut row = group.row("reads per time, on two threads, in a plugin");
    for (one, two, name, limit) in [
        ("ours, one thread", "ours, two threads", "on one thread", Limit::AtLeast(1.9)),
        ("std, one thread", "std, two threads", "std: two by one", Limit::None),
    ] {
        row.comparisons.push(Comparison {
            ours: group.of(two),
            against: Some((name, group.of(one))),
            limit,
            unit: Unit::PerMicrosecond,
        });
    }
    rows.push(row);
}

/// Whose items are used where, and the labels of ours.
fn whose(plugin: Group, host: Group) -> [(&'static str, Group, &'static str); 3] {
    [("host's, in a plugin", plugin, "ours"), ("plugin's own", plugin, "ours alone"), ("in the host", host, "ours")]
}

fn loads(rows: &mut Vec<Row>, quick: bool) {
    let sizes: &[u32] = if quick { &[100, 500] } else { &[100, 1000, 10_000] };
    for &items in sizes {
        let group = Group::Load(items);
        for (how, label) in [("", "first"), (" once more", "again"), (" that another plugin has", "shared")] {
            let mut row = group.row(&format!("load of {}{how}, per item", count(items)));
            row.alone(group.of(label), Limit::AtMost(500.0), Unit::Nanoseconds);
            rows.push(row);
        }
    }
    if let [smallest, .., largest] = *sizes {
        let mut row = Row { name: "load, growth of the cost per item".to_owned(), comparisons: Vec::new() };
        row.add(
            Group::Load(largest).of("first"),
            ("of 100 items", Group::Load(smallest).of("first")),
            Limit::AtMost(1.5),
        );
        rows.push(row);
    }
}

fn sizes(rows: &mut Vec<Row>, quick: bool) {
    for items in [100, 1000].into_iter().filter(|items| !quick || *items < 1000) {
        let group = Group::Memory(items);
        let mut row = group.row(&format!("memory per value over its size, {}", count(items)));
        row.alone(group.of("ours"), Limit::AtMost(48.0), Unit::Bytes);
        rows.push(row);
        let mut row = group.row(&format!("memory of a row per index, {}", count(items)));
        row.alone(group.of("row by index"), Limit::AtMost(16.0), Unit::Bytes);
        rows.push(row);
    }
    let group = Group::Size(if quick { 100 } else { 1000 });
    let mut row = group.row("code and data per item");
    for (ours, std, name) in [("ours", "std", "std"), ("ours, file", "std, file", "std, in the file")] {
        row.comparisons.push(Comparison {
            ours: group.of(ours),
            against: Some((name, group.of(std))),
            limit: Limit::AtMost(1.5),
            unit: Unit::Bytes,
        });
    }
    rows.push(row);
}

fn builds(rows: &mut Vec<Row>, quick: bool) {
    let group = Group::CleanBuild;
    let mut row = group.row("clean build of the library");
    row.alone(group.of("time"), Limit::AtMost(10e9), Unit::Nanoseconds);
    rows.push(row);
    let mut row = group.row("packages besides procedural macros");
    row.alone(group.of("packages"), Limit::AtMost(8.0), Unit::Count);
    rows.push(row);

    let items = if quick { 100 } else { 1000 };
    for (name, profile) in [("check", Compile::Check), ("release", Compile::Release)] {
        let group = Group::Compile(profile, items);
        let mut row = group.row(&format!("compile {}, {name}", count(items)));
        row.add(group.ours(), group.std(), Limit::AtMost(2.0));
        rows.push(row);
    }
}

impl Row {
    fn add(&mut self, ours: Quantity, against: (&'static str, Quantity), limit: Limit) {
        self.comparisons.push(Comparison { ours, against: Some(against), limit, unit: Unit::Nanoseconds });
    }

    fn alone(&mut self, ours: Quantity, limit: Limit, unit: Unit) {
        self.comparisons.push(Comparison { ours, against: None, limit, unit });
    }
}

impl Group {
    fn row(self, name: &str) -> Row {
        Row { name: name.to_owned(), comparisons: Vec::new() }
    }

    fn of(self, label: &'static str) -> Quantity {
        Quantity { group: self, label, net_of: None }
    }

    fn ours(self) -> Quantity {
        self.of("ours")
    }

    fn std(self) -> (&'static str, Quantity) {
        ("std", self.of("std"))
    }

    fn peer(self, label: &'static str) -> (&'static str, Quantity) {
        (label, self.of(label))
    }
}

/// `1,000 items`
fn count(items: u32) -> String {
    match items {
        1 => "1 item".to_owned(),
        0..1000 => format!("{items} items"),
        _ => format!("{},{:03} items", items / 1000, items % 1000),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_filter_is_a_part_of_the_name() {
        let names = |filter| chosen(false, filter).into_iter().map(|row| row.name).collect::<Vec<_>>();
        assert_eq!(names(Some("nothing")), [""; 0]);
        assert_eq!(names(Some("clean build")), ["clean build of the library"]);
        assert_eq!(names(None), super::names(false));
        assert!(names(Some("host")).iter().all(|name| name.contains("host")));
    }

    #[test]
    fn names_tell_rows_apart() {
        for quick in [false, true] {
            let names = names(quick);
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        }
    }

    #[test]
    fn quick_leaves_out_what_takes_long() {
        let groups: HashSet<String> = all(true).iter().flat_map(Row::groups).map(|group| group.to_string()).collect();
        assert!(groups.contains("load/500"));
        for left_out in ["load/10000", "spawn/plugin/1000", "memory/1000", "compile/release/1000"] {
            assert!(!groups.contains(left_out), "{left_out}");
        }
    }

    #[test]
    fn numbers_of_items_are_words() {
        assert_eq!([1, 10, 1000, 10_000].map(count), ["1 item", "10 items", "1,000 items", "10,000 items"]);
    }
}
