//! What a plugin shares, and what it does not share although one might think so.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ptr;

use plugin_tls_abi::identity::{Fields, Fingerprint};
use plugin_tls_store::builds;
use plugin_tls_store::proof::SharingProof;
use plugin_tls_store::records::{Binary, ItemCopy, Record};
use plugin_tls_store::registry::Registered;
use plugin_tls_store::store;

/// What a plugin shares with whom, from [`Plugin::report`](super::Plugin::report). `Display` is a table.
///
/// ```no_run
/// # fn show(plugin: &plugin_tls::host::Plugin) {
/// let report = plugin.report();
/// for item in report.items().iter().filter(|item| item.shared_with.is_empty()) {
///     println!("only {} has {}", plugin.name(), item.path);
/// }
/// println!("{report}");
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LoadReport {
    items: Vec<ReportItem>,
    near_misses: Vec<NearMiss>,
    differences: Vec<String>,
}

/// An item of a plugin, in a [`LoadReport`].
///
/// ```
/// use plugin_tls::host::ReportItem;
///
/// fn is_shared(item: &ReportItem) -> bool {
///     !item.shared_with.is_empty()
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ReportItem {
    /// `crate::module::function::NAME`.
    pub path: String,
    /// The type as it is written in the item's declaration.
    pub ty: String,
    /// The file name of the host, if it links the item: its code builds the values. Else `None`: the binary that uses the
    /// item first builds them.
    pub owner: Option<String>,
    /// The other binaries that have the item, in the order of their registration.
    pub shared_with: Vec<SharedWith>,
}

/// A binary that shares an item with the plugin of a [`LoadReport`].
///
/// ```
/// use plugin_tls::host::{SharedWith, SharingProof};
///
/// fn is_certain(with: &SharedWith) -> bool {
///     !matches!(with.proof, SharingProof::SameName | SharingProof::Trusted)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SharedWith {
    /// The binary's file name.
    pub binary: String,
    /// What proves that both mean the same type.
    pub proof: SharingProof,
}

/// An item that a plugin does not share, although another binary has one that looks alike.
///
/// It is no error: two incompatible versions of a crate may be meant. It often is the answer to the question why a value
/// that a plugin has set does not show up in the host.
///
/// ```
/// use plugin_tls::host::NearMiss;
///
/// fn warn(miss: &NearMiss) {
///     eprintln!("{} is not shared with {}: {}", miss.path, miss.binary, miss.difference);
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NearMiss {
    /// The plugin's item: `crate::module::function::NAME`.
    pub path: String,
    /// The file name of the other binary.
    pub binary: String,
    /// What makes them two items: `version 0.3 here, 0.4 there`.
    pub difference: String,
}

impl LoadReport {
    /// Looks at the items of `plugin`, which is registered and is not taken out meanwhile.
    pub(super) fn of(plugin: &Binary) -> Self {
        store().registry.read(|registered| {
            let mut report = LoadReport::default();
            let mut not_shared = Vec::new();
            let mut builds = Builds::default();
            for record in registered.records_of(plugin) {
                let item = describe(registered, record, plugin, &mut builds);
                if item.shared_with.is_empty() {
                    not_shared.push(record);
                }
                report.items.push(item);
            }
            report.items.sort_by(|a, b| (&a.path, &a.ty).cmp(&(&b.path, &b.ty)));
            report.near_misses = near_misses(registered, &not_shared, plugin);
            report.differences = builds.differences(plugin);
            report
        })
    }

    /// The plugin's items, sorted by path.
    ///
    /// ```no_run
    /// # fn show(plugin: &plugin_tls::host::Plugin) {
    /// println!("{} items", plugin.report().items().len());
    /// # }
    /// ```
    #[must_use]
    pub fn items(&self) -> &[ReportItem] {
        &self.items
    }

    /// The plugin's items that are not shared, although other binaries have items of the same crate and name.
    ///
    /// ```no_run
    /// # fn show(plugin: &plugin_tls::host::Plugin) {
    /// for miss in plugin.report().near_misses() {
    ///     println!("{} is not shared: {}", miss.path, miss.difference);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn near_misses(&self) -> &[NearMiss] {
        &self.near_misses
    }

    /// How the builds of crates that declare shared items differ, and the compilers of the binaries, in words. Empty if
    /// everything that is known is equal.
    ///
    /// ```no_run
    /// # fn show(plugin: &plugin_tls::host::Plugin) {
    /// for difference in plugin.report().differences() {
    ///     println!("{difference}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn differences(&self) -> &[String] {
        &self.differences
    }
}

fn describe<'a>(
    registered: &Registered,
    record: &'static Record,
    plugin: &Binary,
    builds: &mut Builds<'a>,
) -> ReportItem {
    let fields = record.identity.fields();
    let copies: Vec<&'static ItemCopy> = registered.copies_of(record).collect();
    let own = copies.iter().position(|copy| ptr::eq(copy.binary, plugin));
    let mut shared_with = Vec::new();
    for (position, copy) in copies.iter().enumerate().filter(|(position, _)| Some(*position) != own) {
        let Some(own) = own else { continue };
        // The copy that was registered later was compared with the other. It was not the first, so there is a proof.
        let Some(proof) = copies[position.max(own)].proof else { continue };
        shared_with.push(SharedWith { binary: copy.binary.name.clone(), proof });
        builds.add(record.identity.crate_name(), copies[own], copy);
    }
    let host = copies.iter().find(|copy| copy.binary.is_host);
    ReportItem {
        path: record.identity.to_string(),
        ty: fields.ty.to_owned(),
        owner: host.map(|host| host.binary.name.clone()),
        shared_with,
    }
}

/// The builds of the crates of shared items, where they differ between the plugin and another binary.
#[derive(Default)]
struct Builds<'a> {
    /// By crate, and by the other binary's name.
    differing: BTreeMap<(String, String), (Fingerprint, &'a Binary, Fingerprint)>,
    /// The compilers of the other binaries.
    compilers: BTreeSet<(String, String)>,
}

impl Builds<'_> {
    fn add(&mut self, crate_name: &str, own: &ItemCopy, other: &'static ItemCopy) {
        let binary = other.binary;
        if own.binary.compiler != binary.compiler {
            self.compilers.insert((binary.name.clone(), binary.compiler_name().to_owned()));
        }
        let (Some(own_build), Some(other_build)) = (own.facts.build, other.facts.build) else { return };
        if own_build != other_build {
            self.differing.entry((crate_name.to_owned(), binary.name.clone())).or_insert((
                own_build,
                binary,
                other_build,
            ));
        }
    }

    fn differences(self, plugin: &Binary) -> Vec<String> {
        let compilers = self.compilers.into_iter().map(|(name, compiler)| {
            format!("built by {} in {}, by {compiler} in {name}", plugin.compiler_name(), plugin.name)
        });
        let builds = self.differing.into_iter().flat_map(|((name, _), (own, other, others))| {
            let (known, offered) = (other.build(others), plugin.build(own));
            let differences = builds::differences(&known, &other.name, &offered, &plugin.name);
            differences.into_iter().map(move |difference| format!("{name}: {difference}"))
        });
        compilers.chain(builds).collect()
    }
}

/// Items of other binaries that have the crate and the name of an item that the plugin has alone.
fn near_misses(registered: &Registered, not_shared: &[&'static Record], plugin: &Binary) -> Vec<NearMiss> {
    let crate_and_name =
        |record: &Record| (record.identity.crate_name().to_owned(), record.identity.fields().name.to_owned());
    let mut own: HashMap<_, Vec<&'static Record>> = HashMap::new();
    for record in not_shared.iter().filter(|record| !record.identity.is_alone()) {
        own.entry(crate_and_name(record)).or_default().push(record);
    }
    if own.is_empty() {
        return Vec::new();
    }
    let mut misses = Vec::new();
    for other in registered.records() {
        let Some(records) = own.get(&crate_and_name(other)) else { continue };
        for copy in registered.copies_of(other).filter(|copy| !ptr::eq(copy.binary, plugin)) {
            for record in records {
                misses.push(NearMiss {
                    path: record.identity.to_string(),
                    binary: copy.binary.name.clone(),
                    difference: difference(record, other),
                });
            }
        }
    }
    misses.sort_by(|a, b| (&a.path, &a.binary, &a.difference).cmp(&(&b.path, &b.binary, &b.difference)));
    misses
}

/// What makes two items of one crate and name two.
fn difference(own: &Record, other: &Record) -> String {
    let (here, there): (Fields<'_>, Fields<'_>) = (own.identity.fields(), other.identity.fields());
    let parts = [
        ("version", here.version, there.version),
        ("package", here.package, there.package),
        ("target", here.target, there.target),
        ("module", here.module, there.module),
        ("function", here.function, there.function),
        ("type", here.ty, there.ty),
    ];
    let or_none = |part: &str| if part.is_empty() { "none".to_owned() } else { part.to_owned() };
    let differing = parts.iter().filter(|(_, here, there)| here != there);
    let words: Vec<_> = differing
        .map(|(what, here, there)| format!("{what} {} here, {} there", or_none(here), or_none(there)))
        .collect();
    if words.is_empty() { "one of several that are written alike".to_owned() } else { words.join("; ") }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::NOTHING);
        table.set_header(["item", "type", "shared with", "proof", "owner"]);
        for item in &self.items {
            let join = |parts: &mut dyn Iterator<Item = String>| parts.collect::<Vec<_>>().join(", ");
            let shared_with = match item.shared_with.is_empty() {
                true => "-".to_owned(),
                false => join(&mut item.shared_with.iter().map(|with| with.binary.clone())),
            };
            let mut proofs: Vec<_> = item.shared_with.iter().map(|with| with.proof.to_string()).collect();
            proofs.dedup();
            let owner = item.owner.as_deref().unwrap_or("the first that uses it").to_owned();
            table.add_row([item.path.clone(), item.ty.clone(), shared_with, join(&mut proofs.into_iter()), owner]);
        }
        f.write_str(&table.trim_fmt())?;
        for NearMiss { path, binary, difference } in &self.near_misses {
            write!(f, "\n{path} is not that of {binary}: {difference}")?;
        }
        self.differences.iter().try_for_each(|difference| write!(f, "\n{difference}"))
    }
}
