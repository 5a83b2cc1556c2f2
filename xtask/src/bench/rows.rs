//! The rows of the table: what is compared with what, and the targets.

use bench_plan::{Place, Work, label};

use super::group::{Compile, Group};

/// The note at the end of a run with `--quick`.
pub(crate) const LEFT_OUT_BY_QUICK: &str = "--quick does not measure threads with 1,000 items, and loads and compiles \
    fewer items than a full run; the rows name the numbers";

/// The target of a ratio, or of a quantity that is compared with nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    None,
    AtMost(f64),
    AtLeast(f64),
}

/// The unit of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Bytes,
    PerMicrosecond,
    Count,
}

/// Comparisons with a common name.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) comparisons: Vec<Comparison>,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) ours: Quantity,
    /// The quantity that ours is compared with, and its name in the table. If there is none, the limit applies to ours.
    pub(crate) against: Option<(&'static str, Quantity)>,
    pub(crate) limit: Limit,
    pub(crate) unit: Unit,
}

/// Samples of one label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantity {
    pub(crate) group: Group,
    pub(crate) label: &'static str,
    /// The label of the empty call, whose time is subtracted.
    pub(crate) net_of: Option<&'static str>,
}

impl Row {
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), comparisons: Vec::new() }
    }

    /// Adds a comparison of times.
    fn compare(self, ours: Quantity, against: (&'static str, Quantity), limit: Limit) -> Self {
        self.compare_in(Unit::Nanoseconds, ours, against, limit)
    }

    fn compare_in(mut self, unit: Unit, ours: Quantity, against: (&'static str, Quantity), limit: Limit) -> Self {
        self.comparisons.push(Comparison { ours, against: Some(against), limit, unit });
        self
    }

    /// Adds comparisons of times that have no target.
    fn compare_with(mut self, group: Group, labels: &[&'static str]) -> Self {
        for label in labels {
            self = self.compare(group.ours(), (label, group.of(label)), Limit::None);
        }
        self
    }

    /// A row about one quantity, which is compared with nothing.
    fn alone(name: impl Into<String>, ours: Quantity, limit: f64, unit: Unit) -> Self {
        let comparison = Comparison { ours, against: None, limit: Limit::AtMost(limit), unit };
        Self { name: name.into(), comparisons: vec![comparison] }
    }

    /// Returns every group that the row takes samples of.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.comparisons.iter().flat_map(|comparison| {
            let against = comparison.against.map(|(_, quantity)| quantity.group);
            std::iter::once(comparison.ours.group).chain(against)
        })
    }
}

impl Group {
    fn of(self, label: &'static str) -> Quantity {
        Quantity { group: self, label, net_of: None }
    }

    fn net(self, label: &'static str, empty: &'static str) -> Quantity {
        Quantity { group: self, label, net_of: Some(empty) }
    }

    fn ours(self) -> Quantity {
        self.of(label::OURS)
    }

    fn std(self) -> (&'static str, Quantity) {
        (label::STD, self.of(label::STD))
    }
}

/// Returns the rows whose name contains the filter, in the order of the table.
pub(crate) fn chosen(quick: bool, filter: Option<&str>) -> Vec<Row> {
    let matches = |row: &Row| filter.is_none_or(|filter| row.name.contains(filter));
    all(quick).into_iter().filter(matches).collect()
}

/// Returns the names of all rows.
pub(crate) fn names(quick: bool) -> Vec<String> {
    all(quick).into_iter().map(|row| row.name).collect()
}

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

/// Other crates that share thread-locals with plugins, and the empty call in the same binary.
const PEERS: [(&str, &str); 3] =
    [(label::PEER, label::EMPTY), (label::RUBICON, label::RUBICON_EMPTY), (label::UNCHECKED, label::UNCHECKED_EMPTY)];

fn reads(rows: &mut Vec<Row>) {
    let destructor = [(Work::Read, ""), (Work::ReadDrop, ", with destructor")];
    for (work, with) in destructor {
        let group = Group::timed(work, Place::Plugin);
        let net = |label| group.net(label, label::EMPTY);
        let mut row = Row::new(format!("read in a plugin{with}, net of the call"));
        row = row.compare(net(label::OURS), (label::STD, net(label::STD)), Limit::AtMost(0.25));
        for (label, empty) in PEERS {
            row = row.compare(net(label::OURS), (label, group.net(label, empty)), Limit::AtMost(0.2));
        }
        rows.push(row);
    }
    for (work, with) in destructor {
        let group = Group::timed(work, Place::Host);
        let row = Row::new(format!("read in the host{with}"));
        rows.push(row.compare(group.ours(), group.std(), Limit::AtMost(1.3)).compare_with(group, &[label::PEER]));
    }
    for (work, what) in [(Work::ReadLoop, "loop of reads"), (Work::CountLoop, "loop that counts")] {
        for (place, at, peers) in [
            (Place::Plugin, "in a plugin", &[label::PEER, label::RUBICON][..]),
            (Place::Host, "in the host", &[label::PEER]),
        ] {
            let group = Group::timed(work, place);
            let row = Row::new(format!("{what} {at}"));
            rows.push(row.compare(group.ours(), group.std(), Limit::AtMost(1.5)).compare_with(group, peers));
        }
    }
    for (work, with) in destructor {
        let group = Group::timed(work, Place::Fallback);
        let row = Row::new(format!("fallback read in a plugin{with}"));
        rows.push(row.compare(group.ours(), group.std(), Limit::AtMost(1.2)));
    }
}

fn statics(rows: &mut Vec<Row>, quick: bool) {
    let lazy_lock = |group: Group| ("LazyLock", group.of(label::STD));
    for (place, at, rubicon) in
        [(Place::Plugin, "in a plugin", &[label::RUBICON, label::UNCHECKED][..]), (Place::Host, "in the host", &[])]
    {
        let group = Group::timed(Work::Lazy, place);
        let row = Row::new(format!("lazy_static! {at}"))
            .compare(group.ours(), lazy_lock(group), Limit::AtMost(1.1))
            .compare_with(group, &[label::LAZY_STATIC, label::ONCE_CELL, label::PEER])
            .compare_with(group, rubicon);
        rows.push(row);
    }
    let items = if quick { 100 } else { 1000 };
    let group = Group::Reload(items);
    let row = Row::new(format!("first touch of a lazy_static!, of {}", count(items)));
    rows.push(row.compare(group.ours(), lazy_lock(group), Limit::AtMost(3.0)));
}

/// Whose items a thread touches, where, and the label of ours.
const OWNERS: [(&str, Place, &str); 3] = [
    ("host's, in a plugin", Place::Plugin, label::OURS),
    ("plugin's own", Place::Plugin, label::OURS_ALONE),
    ("in the host", Place::Host, label::OURS),
];

fn threads(rows: &mut Vec<Row>, quick: bool) {
    for items in [1, 100] {
        for (whose, place, label) in OWNERS {
            let group = Group::with_items(Work::Touch, place, items);
            let net = |label| group.net(label, label::EMPTY);
            let mut row = Row::new(format!("first touch of {}, {whose}", count(items)));
            row = row.compare(net(label), (label::STD, net(label::STD)), Limit::AtMost(2.0));
            if place == Place::Plugin {
                // In a plugin of this library, std registers destructors through the host.
                row = row.compare(net(label), ("std, other plugin", net(label::STD_ELSEWHERE)), Limit::None);
            }
            rows.push(row);
        }
    }
    for items in [1, 10, 100, 1000].into_iter().filter(|items| !quick || *items < 1000) {
        for (whose, place, label) in OWNERS {
            let group = Group::with_items(Work::Spawn, place, items);
            let row = Row::new(format!("thread with {}, {whose}", count(items)));
            rows.push(row.compare(group.of(label), group.std(), Limit::AtMost(1.5)));
        }
    }
    let group = Group::timed(Work::ReadTogether, Place::Plugin);
    let mut row = Row::new("reads per time, on two threads, in a plugin");
    for (one, two, name, limit) in [
        (label::OURS_ONE_THREAD, label::OURS_TWO_THREADS, "on one thread", Limit::AtLeast(1.9)),
        (label::STD_ONE_THREAD, label::STD_TWO_THREADS, "std: two by one", Limit::None),
    ] {
        row = row.compare_in(Unit::PerMicrosecond, group.of(two), (name, group.of(one)), limit);
    }
    rows.push(row);
}

fn loads(rows: &mut Vec<Row>, quick: bool) {
    let sizes: &[u32] = if quick { &[100, 500] } else { &[100, 1000, 10_000] };
    for &items in sizes {
        let group = Group::Load(items);
        for (how, label) in
            [("", label::FIRST), (" once more", label::AGAIN), (" that another plugin has", label::SHARED)]
        {
            let name = format!("load of {}{how}, per item", count(items));
            rows.push(Row::alone(name, group.of(label), 500.0, Unit::Nanoseconds));
        }
    }
    if let [smallest, .., largest] = *sizes {
        let first = |items| Group::Load(items).of(label::FIRST);
        let row = Row::new("load, growth of the cost per item");
        rows.push(row.compare(first(largest), ("of 100 items", first(smallest)), Limit::AtMost(1.5)));
    }
}

fn sizes(rows: &mut Vec<Row>, quick: bool) {
    for items in [100, 1000].into_iter().filter(|items| !quick || *items < 1000) {
        let group = Group::Memory(items);
        let items = count(items);
        rows.push(Row::alone(format!("memory per value over its size, {items}"), group.ours(), 48.0, Unit::Bytes));
        let row = group.of(label::ROW_BY_INDEX);
        rows.push(Row::alone(format!("memory of a row per index, {items}"), row, 16.0, Unit::Bytes));
    }
    let group = Group::Size(if quick { 100 } else { 1000 });
    let in_file = ("std, in the file", group.of(label::STD_FILE));
    let row = Row::new("code and data per item")
        .compare_in(Unit::Bytes, group.ours(), group.std(), Limit::AtMost(1.5))
        .compare_in(Unit::Bytes, group.of(label::OURS_FILE), in_file, Limit::AtMost(1.5));
    rows.push(row);
}

fn builds(rows: &mut Vec<Row>, quick: bool) {
    let group = Group::CleanBuild;
    rows.push(Row::alone("clean build of the library", group.of(label::TIME), 10e9, Unit::Nanoseconds));
    rows.push(Row::alone("packages besides procedural macros", group.of(label::PACKAGES), 8.0, Unit::Count));

    let items = if quick { 100 } else { 1000 };
    for (name, profile) in [("check", Compile::Check), ("release", Compile::Release)] {
        let group = Group::Compile(profile, items);
        let row = Row::new(format!("compile {}, {name}", count(items)));
        rows.push(row.compare(group.ours(), group.std(), Limit::AtMost(2.0)));
    }
}

/// Formats a number of items, such as `1,000 items`.
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
