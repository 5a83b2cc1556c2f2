//! How the items of a binary get into the registry.
//!
//! A binary is registered with all of its items or not at all; items that only show up later are registered one by one.
//! Each item that is in order becomes a copy at once; nobody outside sees one until all of them are, and if one item is
//! not in order, all is undone.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::MutexGuard;

use super::arena::Mark;
use super::registry::{Binary, Facts, Held, ItemCopy, Record, Registered, UnderLock};
use super::verify::{self, Compared, Mismatch, MismatchField, Proof, Side};
use crate::abi::{ItemDecl, ItemHandle};
use crate::key::{Declaration, Identity, Written};

/// A registration under way.
pub(super) struct Registration<'a> {
    registered: &'a mut Registered,
    binary: &'static Binary,
    held: MutexGuard<'static, Held<ItemCopy>>,
    before: Before,
    /// Records in whose place there are new ones.
    replaced: Vec<&'static Record>,
    mismatches: Vec<Mismatch>,
    compared: Compared,
    /// Room to work in.
    bytes: Vec<u8>,
}

/// What there was before it.
struct Before {
    copies: (Mark, Mark),
    records: (Mark, Mark),
}

impl<'a> Registration<'a> {
    pub(super) fn begin(registered: &'a mut Registered, binary: &'static Binary, count: usize) -> Self {
        let mut held = binary.held();
        held.values.reserve(count);
        let before = Before { copies: held.mark(), records: registered.held.mark() };
        Registration {
            registered,
            binary,
            held,
            before,
            replaced: Vec::new(),
            mismatches: Vec::new(),
            compared: Compared::default(),
            bytes: Vec::new(),
        }
    }

    /// Reads and verifies one of the items, and makes a copy of it.
    pub(super) fn take(&mut self, item: &ItemDecl, handle: &mut MaybeUninit<ItemHandle>) {
        match self.copy(item) {
            Ok(copy) => {
                handle.write(ptr::from_ref(copy).cast());
            }
            Err(mut found) => self.mismatches.append(&mut found),
        }
    }

    fn copy(&mut self, item: &ItemDecl) -> Result<&'static ItemCopy, Vec<Mismatch>> {
        // SAFETY: the texts of a declaration live as long as its binary, which is mapped now.
        let (text, path, type_name) = unsafe { (item.text.get(), item.path.get(), item.type_name.get()) };
        let Some(declaration) = Declaration::read(text, path) else {
            return Err(vec![unreadable(self.binary, text, path)]);
        };
        let Declaration { identity, site, .. } = &declaration;
        let written = declaration.written(&mut self.bytes);
        let found = self.registered.records.get(&written).copied();
        let is_own = |copy: &&ItemCopy| ptr::eq(copy.binary, self.binary);
        if let Some(own) = found.and_then(|record| self.registered.copies_of(record).find(is_own)) {
            if own.word.cast() == item.word {
                return Ok(own);
            }
            return Err(vec![duplicate(self.binary, identity, own.facts.site, site)]);
        }
        let facts = Facts {
            kind: item.kind,
            size: item.size,
            align: item.align,
            needs_drop: item.drop.is_some(),
            type_id: item.type_id,
            type_name: self.held.texts.copy(type_name),
            layout: item.layout,
            site: self.held.texts.copy(site),
        };
        let proof = match found.and_then(|record| self.registered.reference(record)) {
            Some(reference) => {
                let copies = self.registered.copies_of(reference.record);
                verify::verify(identity, reference, copies, self.binary, &facts, &mut self.compared)?
            }
            None => Proof::First,
        };
        // With other copies it is of the same kind: they have been compared. A record that nobody has any more may have
        // been of the other.
        let record = match found.filter(|record| record.kind == facts.kind) {
            Some(record) => record,
            None => self.make_record(written, facts.kind),
        };
        let copy = self.held.values.push(ItemCopy {
            record,
            binary: self.binary,
            facts,
            proof,
            drop: item.drop,
            word: item.word.cast(),
            item: item.item,
            next: UnderLock::new(None),
        });
        self.registered.link(copy);
        Ok(copy)
    }

    fn make_record(&mut self, written: Written<'_>, kind: u32) -> &'static Record {
        let Registered { records, held, .. } = &mut *self.registered;
        let written = written.copied(|text| held.texts.copy(text));
        let record = held.values.push(Record::new(written, kind));
        self.replaced.extend(records.replace(record));
        record
    }

    /// Shows the copies to everybody, or nothing.
    pub(super) fn finish(mut self) -> Result<(), Vec<Mismatch>> {
        if !self.mismatches.is_empty() {
            self.undo();
            return Err(self.mismatches);
        }
        for copy in self.held.values.since(self.before.copies.0) {
            if self.binary.is_host {
                // Set once: a second copy of the host's would have been a duplicate.
                let _first = copy.record.host_copy.set(copy);
            }
            copy.show_slot();
        }
        Ok(())
    }

    /// Nobody refers to what is taken back here: nobody has seen it.
    fn undo(&mut self) {
        self.held.values.since(self.before.copies.0).for_each(|copy| self.registered.unlink(copy));
        for record in self.registered.held.values.since(self.before.records.0) {
            self.registered.records.remove(record);
        }
        self.registered.records.extend(self.replaced.drain(..));
        self.held.undo(self.before.copies);
        self.registered.held.undo(self.before.records);
    }
}

fn duplicate(binary: &Binary, identity: &Identity<'_>, first: &str, second: &str) -> Mismatch {
    let side = |site: &str| Side {
        binary: binary.name.clone(),
        value: "one declaration of two".to_owned(),
        site: site.to_owned(),
    };
    Mismatch {
        item: identity.to_string(),
        field: MismatchField::Declaration,
        known: side(first),
        offered: side(second),
        detail: None,
        advice: "two declarations of one function, or of two compatible versions of a crate, have the same name and \
                 type and cannot be told apart: rename one of them, or move it to a function of its own"
            .to_owned(),
    }
}

fn unreadable(binary: &Binary, text: &str, path: &str) -> Mismatch {
    Mismatch {
        item: path.to_owned(),
        field: MismatchField::Declaration,
        known: Side::default(),
        offered: Side { binary: binary.name.clone(), value: format!("{text:?}"), site: String::new() },
        detail: None,
        advice: "the declaration cannot be read: declare items with the macros of plugin_tls only, and build host and \
                 plugin with versions of it that share the major version"
            .to_owned(),
    }
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use std::sync::atomic::AtomicPtr;

    use super::super::registry::Registry;
    use super::*;
    use crate::abi::{KIND_THREAD_LOCAL, Str};

    fn binary(name: &str) -> &'static Binary {
        Box::leak(Box::new(Binary::new(name.to_owned(), "", "", false, false)))
    }

    /// A thread-local of a number of bytes.
    fn item(name: &'static str, size: usize) -> ItemDecl {
        let text: &'static str = Box::leak(format!("api\x001\0\0{name}\0T\0src/lib.rs:1:1").into());
        let path: &'static str = Box::leak(format!("api::{name}").into());
        let word: &'static AtomicPtr<()> = Box::leak(Box::default());
        ItemDecl {
            text: Str::new(text),
            path: Str::new(path),
            type_name: Str::new("T"),
            type_id: [1; 16],
            layout: ptr::null(),
            size,
            align: 1,
            drop: None,
            word: ptr::from_ref(word).cast(),
            item: ptr::null(),
            kind: KIND_THREAD_LOCAL,
            reserved: 0,
        }
    }

    fn register(registry: &Registry, binary: &'static Binary, items: &[ItemDecl]) -> Result<(), Vec<MismatchField>> {
        let mut handles = vec![MaybeUninit::uninit(); items.len()];
        let fields = |mismatches: Vec<Mismatch>| mismatches.iter().map(|mismatch| mismatch.field).collect();
        registry.register(binary, items, &mut handles).map_err(fields)
    }

    /// Each item and the binaries that have it, by item.
    fn registered(registry: &Registry) -> Vec<(&'static str, Vec<&'static str>)> {
        registry.read(|registered| {
            let names = |record| registered.copies_of(record).map(|copy| copy.binary.name.as_str()).collect();
            let mut items: Vec<_> =
                registered.records().map(|record| (record.identity().name, names(record))).collect();
            items.sort();
            items
        })
    }

    /// The slot of the item with this name, which gets one.
    fn slot(registry: &Registry, name: &str) -> usize {
        let record = registry.read(|registered| registered.records().find(|record| record.identity().name == name));
        registry.slot_of(record.unwrap())
    }

    #[test]
    fn what_is_refused_leaves_nothing() {
        let registry = Registry::new();
        register(&registry, binary("a"), &[item("X", 8)]).unwrap();
        let before = registered(&registry);
        let items = [item("Y", 1), item("X", 4), item("Z", 1), item("Z", 1)];
        let refused = register(&registry, binary("b"), &items);
        assert_eq!(refused, Err(vec![MismatchField::Size, MismatchField::Declaration]));
        assert_eq!(registered(&registry), before);
        register(&registry, binary("c"), &[item("Z", 2), item("X", 8)]).unwrap();
        assert_eq!(registered(&registry), [("X", vec!["a", "c"]), ("Z", vec!["c"])]);
    }

    #[test]
    fn slots_stay_when_a_binary_goes_and_comes_back() {
        let registry = Registry::new();
        let items = || [item("X", 1), item("Y", 1)];
        let [a, b, c] = ["a", "b", "c"].map(binary);
        for binary in [a, b, c] {
            register(&registry, binary, &items()).unwrap();
        }
        // In the order in which they are needed.
        assert_eq!(["Y", "X", "Y"].map(|name| slot(&registry, name)), [0, 1, 0]);
        // SAFETY: nothing refers to the binaries nor to their copies.
        unsafe { registry.unregister(b) };
        assert_eq!(registered(&registry), [("X", vec!["a", "c"]), ("Y", vec!["a", "c"])]);
        for binary in [a, c] {
            // SAFETY: as above.
            unsafe { registry.unregister(binary) };
        }
        assert_eq!(registered(&registry), [("X", vec![]), ("Y", vec![])]);
        register(&registry, binary("d"), &[item("Y", 2)]).unwrap();
        assert_eq!(registered(&registry), [("X", vec![]), ("Y", vec!["d"])]);
        assert_eq!(["X", "Y"].map(|name| slot(&registry, name)), [1, 0]);
    }

    #[test]
    fn an_item_that_is_known_is_the_same_copy() {
        let registry = Registry::new();
        let (binary, item) = (binary("a"), item("X", 1));
        for _ in 0..2 {
            register(&registry, binary, std::slice::from_ref(&item)).unwrap();
        }
        assert_eq!(registered(&registry), [("X", vec!["a"])]);
    }
}
