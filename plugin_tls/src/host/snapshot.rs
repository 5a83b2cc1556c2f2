//! What is in the store, for people.

#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ptr;

use plugin_tls_abi::table::KIND_THREAD_LOCAL;
use plugin_tls_core::__private::use_own_store;
use plugin_tls_store::records::{ItemCopy, Record};
use plugin_tls_store::registry::Registered;
use plugin_tls_store::store;
use plugin_tls_store::threads::TaskKind;
use plugin_tls_store::values::ProcessView;

/// What [`snapshot`] found. `Display` is a table with one line per item.
///
/// ```
/// use std::cell::Cell;
///
/// plugin_tls::thread_local!(static REQUESTS: Cell<u32> = const { Cell::new(0) });
///
/// REQUESTS.set(1);
/// let snapshot = plugin_tls::host::snapshot();
/// let requests = snapshot.items().iter().find(|item| item.path.ends_with("::REQUESTS")).unwrap();
/// assert_eq!((requests.ty.as_str(), requests.threads, requests.bytes), ("Cell<u32>", 1, 4));
/// println!("{snapshot}");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    items: Vec<SnapshotItem>,
}

/// One item of a [`Snapshot`].
///
/// ```
/// use plugin_tls::host::{SnapshotItem, SnapshotState};
///
/// fn is_used(item: &SnapshotItem) -> bool {
///     item.state == SnapshotState::Live
/// }
///
/// let snapshot = plugin_tls::host::snapshot();
/// println!("{} items are in use", snapshot.items().iter().filter(|item| is_used(item)).count());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SnapshotItem {
    /// `crate::module::function::NAME`.
    pub path: String,
    /// The part of the crate's version that Cargo holds to be compatible: items of 0.3 and of 0.4 are two items.
    pub version: String,
    /// The type as it is written in the item's declaration, without spaces that do not matter.
    pub ty: String,
    /// Which macro declares it.
    pub kind: SnapshotKind,
    /// The file name of the binary whose code has built all values that live, or, if there are none, that would build one.
    /// `None` if more than one has or would: each thread's value belongs to the binary that used the item first there.
    pub owner: Option<String>,
    /// The file names of the binaries whose code has built a value that lives, sorted.
    pub owners: Vec<String>,
    /// The file names of all binaries that have the item, in the order of their registration.
    pub binaries: Vec<String>,
    /// Whether there is a value.
    pub state: SnapshotState,
    /// How many threads have a value; of a process-wide item, zero.
    pub threads: usize,
    /// The size of all values together, in bytes, without what they have allocated.
    pub bytes: usize,
    /// A binary was accepted on the host's word: see [`LoadOptions`](super::LoadOptions).
    pub unproven: bool,
}

/// The macro that declares an item.
///
/// ```
/// assert_eq!(plugin_tls::host::SnapshotKind::ThreadLocal.to_string(), "thread-local");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SnapshotKind {
    /// `thread_local!`: a value for each thread that has used it.
    ThreadLocal,
    /// `lazy_static!`: a value for the process.
    Static,
}

/// What there is of an item.
///
/// ```
/// assert_eq!(plugin_tls::host::SnapshotState::Live.to_string(), "live");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SnapshotState {
    /// No value: it has not been used yet, or its threads have ended.
    Empty,
    /// The initializer of a process-wide item runs now.
    Building,
    /// At least one value.
    Live,
    /// At least one value that the code of a plugin built which is being unloaded: no new ones are built, and those that
    /// are left keep the plugin mapped.
    Draining,
    /// The initializer of a process-wide item has panicked.
    Poisoned,
}

/// What is in the store of this binary now.
///
/// Other threads go on meanwhile: the counts of two items need not be of one moment.
///
/// ```
/// println!("{}", plugin_tls::host::snapshot());
/// ```
#[must_use]
pub fn snapshot() -> Snapshot {
    // A program that asks before it has used any item sees its own items, too.
    use_own_store();
    let mut local = local_values();
    let mut items: Vec<_> = store().registry.read(|registered| {
        let mut local = |record: &Record| local.remove(&ptr::from_ref(record)).unwrap_or_default();
        registered.records().filter_map(|record| describe(registered, record, local(record))).collect()
    });
    items.sort_by(|a: &SnapshotItem, b| (&a.path, &a.version, &a.ty).cmp(&(&b.path, &b.version, &b.ty)));
    Snapshot { items }
}

/// The values of one thread-local item.
#[derive(Clone, Default)]
struct LocalValues {
    threads: usize,
    /// The names of the binaries that have built them.
    owners: BTreeSet<String>,
    /// One of these is being unloaded.
    draining: bool,
}

/// The values of each thread-local item that has any.
fn local_values() -> HashMap<*const Record, LocalValues> {
    let mut values: HashMap<_, LocalValues> = HashMap::new();
    store().threads.for_each(|thread| {
        thread.for_each_waiting(|task| {
            if let TaskKind::Value(owner) = task.kind() {
                let values = values.entry(ptr::from_ref(owner.record)).or_default();
                values.threads += 1;
                values.draining |= owner.binary.is_draining();
                if !values.owners.contains(&owner.binary.name) {
                    values.owners.insert(owner.binary.name.clone());
                }
            }
        });
    });
    values
}

fn describe(registered: &Registered, record: &Record, local: LocalValues) -> Option<SnapshotItem> {
    let identity = record.identity;
    let fields = identity.fields();
    let reference = registered.reference(record)?;
    let name = |copy: &ItemCopy| copy.binary.name.clone();
    let binaries: Vec<_> = registered.copies_of(record).map(name).collect();
    let LocalValues { threads, mut owners, draining } = local;
    // The process-wide value that is there, or is being built, or could not be.
    let mut process_owner = None;
    let (kind, state, values) = if record.kind == KIND_THREAD_LOCAL {
        let state = match threads {
            0 => SnapshotState::Empty,
            _ if draining => SnapshotState::Draining,
            _ => SnapshotState::Live,
        };
        (SnapshotKind::ThreadLocal, state, threads)
    } else {
        let (state, owner) = match record.process_view() {
            ProcessView::Empty => (SnapshotState::Empty, None),
            ProcessView::Running(owner) => (SnapshotState::Building, Some(owner)),
            ProcessView::Live(owner) => (SnapshotState::Live, Some(owner)),
            ProcessView::Poisoned(owner) => (SnapshotState::Poisoned, Some(owner)),
        };
        process_owner = owner.map(name);
        let live = state == SnapshotState::Live;
        owners.extend(process_owner.clone().filter(|_| live));
        (SnapshotKind::Static, state, usize::from(live))
    };
    let only_one = |names: &mut dyn Iterator<Item = &String>| names.next().filter(|_| names.next().is_none()).cloned();
    let would_build = || if record.is_of_host() { Some(name(reference)) } else { only_one(&mut binaries.iter()) };
    let owner = match owners.is_empty() {
        true => process_owner.or_else(would_build),
        false => only_one(&mut owners.iter()),
    };
    Some(SnapshotItem {
        path: identity.to_string(),
        version: fields.version.to_owned(),
        ty: fields.ty.to_owned(),
        kind,
        owner,
        owners: owners.into_iter().collect(),
        state,
        threads,
        bytes: values * reference.facts.size,
        unproven: registered.copies_of(record).any(ItemCopy::is_on_trust),
        binaries,
    })
}

impl Snapshot {
    /// Every item that any connected binary has declared, by name.
    ///
    /// ```
    /// for item in plugin_tls::host::snapshot().items() {
    ///     println!("{}: {} bytes", item.path, item.bytes);
    /// }
    /// ```
    #[must_use]
    pub fn items(&self) -> &[SnapshotItem] {
        &self.items
    }

    /// Keeps the items for which `keep` is true: for a table of what matters.
    ///
    /// ```
    /// let mut snapshot = plugin_tls::host::snapshot();
    /// snapshot.retain(|item| item.path.starts_with("api::"));
    /// println!("{snapshot}");
    /// ```
    pub fn retain(&mut self, keep: impl FnMut(&SnapshotItem) -> bool) {
        self.items.retain(keep);
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::NOTHING);
        table.set_header(["item", "type", "kind", "owner", "state", "threads", "bytes"]);
        for column in [5, 6] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(comfy_table::CellAlignment::Right);
            }
        }
        for (position, item) in self.items.iter().enumerate() {
            // Items are sorted by name and version.
            let neighbours = [position.checked_sub(1), position.checked_add(1)];
            let mut neighbours = neighbours.into_iter().flatten().filter_map(|position| self.items.get(position));
            let namesake = neighbours.any(|other| other.path == item.path && other.version != item.version);
            let name = if namesake { format!("{} ({})", item.path, item.version) } else { item.path.clone() };
            let threads = match item.kind {
                SnapshotKind::ThreadLocal => item.threads.to_string(),
                SnapshotKind::Static => "-".to_owned(),
            };
            let ty = if item.unproven { format!("{} (unproven)", item.ty) } else { item.ty.clone() };
            table.add_row([
                name,
                ty,
                item.kind.to_string(),
                item.owner.clone().unwrap_or_else(|| item.owners.join(", ")),
                item.state.to_string(),
                threads,
                item.bytes.to_string(),
            ]);
        }
        f.write_str(&table.trim_fmt())
    }
}

impl fmt::Display for SnapshotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SnapshotKind::ThreadLocal => "thread-local",
            SnapshotKind::Static => "static",
        })
    }
}

impl fmt::Display for SnapshotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SnapshotState::Empty => "empty",
            SnapshotState::Building => "building",
            SnapshotState::Live => "live",
            SnapshotState::Draining => "draining",
            SnapshotState::Poisoned => "poisoned",
        })
    }
}
