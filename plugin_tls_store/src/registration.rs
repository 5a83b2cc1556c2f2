//! How the items of a binary get into the registry.
//!
//! A binary is registered with all of its items or not at all. Items that only show up later are registered one by one.
//! Each item that is accepted becomes a copy at once. No other code sees a copy until all of them are accepted; if one is
//! not, all is undone.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ptr;
use std::sync::MutexGuard;

use plugin_tls_abi::identity::{Declaration, Identity, Reader};
use plugin_tls_abi::table::{ItemDescriptor, ItemHandle};

use crate::alike::{Alike, Place};
use crate::arena::{Mark, WithTexts};
use crate::mismatch::Mismatch;
use crate::offered::{Offered, ReliedOn};
use crate::records::{Binary, Facts, ItemCopy, Link, Record};
use crate::registry::{Handles, Registered, Registry};
use crate::verify::{self, Compared};

impl Registry {
    /// Registers all `items` of `binary`. Each gets its handle.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the items. Then none is registered.
    ///
    /// # Safety
    ///
    /// - The texts of the descriptors are alive for the call, and what else they point to for as long as the binary is
    ///   registered.
    /// - `drop`, `word`, `item`, `layout` and `scheme` are what the descriptor's documentation says.
    pub(crate) unsafe fn register(
        &self,
        binary: &'static Binary,
        items: &[ItemDescriptor],
        handles: Handles<'_>,
    ) -> Result<(), Vec<Mismatch>> {
        // SAFETY: the caller guarantees that the texts of all descriptors are alive for the call.
        let declarations = unsafe { read(items) };
        if declarations.iter().flatten().any(|declaration| declaration.is_alone) {
            // Before the lock is taken, because the system looks the path up under the lock of its loader. A constructor that
            // runs under that lock may need this one.
            binary.path();
        }
        let mut registered = self.lock();
        let mut registration = Registration::begin(&mut registered, binary, &declarations);
        for ((item, declaration), handle) in items.iter().zip(&declarations).zip(handles) {
            // SAFETY: the caller guarantees it for all descriptors, and the declaration is that of this one.
            match unsafe { registration.add(item, declaration.as_ref()) } {
                Ok(copy) => {
                    handle.write(ptr::from_ref(copy).cast::<std::ffi::c_void>() as ItemHandle);
                }
                Err(mut found) => registration.mismatches.append(&mut found),
            }
        }
        registration.commit()
    }
}

/// What the macros have written about each item; `None` for what cannot be read.
///
/// # Safety
///
/// The texts of the descriptors are alive for `'a`.
unsafe fn read<'a>(items: &[ItemDescriptor]) -> Vec<Option<Declaration<'a>>> {
    let mut reader = Reader::default();
    // SAFETY: the caller guarantees that the texts are alive for `'a`.
    let texts = items.iter().map(|item| unsafe { (item.text.get(), item.path.get()) });
    texts.map(|(text, path)| Declaration::read(text, path, &mut reader)).collect()
}

/// A registration under way.
struct Registration<'a> {
    registered: &'a mut Registered,
    binary: &'static Binary,
    copies: MutexGuard<'static, WithTexts<ItemCopy>>,
    before: Before,
    /// Records in whose place there are new ones.
    replaced: Vec<&'static Record>,
    mismatches: Vec<Mismatch>,
    /// All declarations of the registration.
    declarations: &'a [Option<Declaration<'a>>],
    alike: Alike<'a>,
    /// What has been found out about types, by the addresses of their names and of the functions that describe their
    /// shapes: many items have few types.
    types: BTreeMap<(*const u8, usize, usize), TypeOfItems>,
    compared: Compared,
    /// Memory to work in.
    bytes: Vec<u8>,
}

/// What is the same for all items of one type.
struct TypeOfItems {
    name: &'static str,
    /// Found out when another binary has such an item.
    relied_on: OnceCell<Vec<ReliedOn>>,
}

/// What there was before it.
struct Before {
    copies: (Mark, Mark),
    records: (Mark, Mark),
}

impl<'a> Registration<'a> {
    fn begin(
        registered: &'a mut Registered,
        binary: &'static Binary,
        declarations: &'a [Option<Declaration<'a>>],
    ) -> Self {
        let mut copies = binary.copies.lock();
        copies.values.reserve(declarations.len());
        let before = Before { copies: copies.mark(), records: registered.memory.mark() };
        Registration {
            registered,
            binary,
            copies,
            before,
            replaced: Vec::new(),
            mismatches: Vec::new(),
            declarations,
            alike: Alike::among(declarations),
            types: BTreeMap::new(),
            compared: Compared::default(),
            bytes: Vec::new(),
        }
    }

    /// The name of the binary.
    fn name(&self) -> &'static str {
        &self.binary.name
    }

    /// Verifies one of the items, and makes a copy of it.
    ///
    /// # Safety
    ///
    /// The descriptor is as [`Registry::register`] asks, and the declaration is what its text says.
    unsafe fn add(
        &mut self,
        item: &ItemDescriptor,
        declaration: Option<&Declaration<'a>>,
    ) -> Result<&'static ItemCopy, Vec<Mismatch>> {
        let Some(declaration) = declaration else {
            // SAFETY: the caller guarantees that the texts are alive for the call.
            return Err(vec![unsafe { Mismatch::unreadable(self.name(), item.text.get(), item.path.get()) }]);
        };
        let &Declaration { identity, number, build, std_is_ambiguous, site, .. } = declaration;
        let place = self.registered.place(self.binary, declaration, item.word.cast(), &self.alike, &mut self.bytes);
        let (distinction, written_alike, found) = match place {
            Place::Known(copy) => return Ok(copy),
            Place::Item { distinction, written_alike, found } => (distinction, written_alike, found),
            Place::Duplicate(other) => {
                return Err(vec![Mismatch::duplicate(&identity, self.name(), [other.facts.site, site])]);
            }
            Place::Ambiguous(other) => {
                return Err(vec![Mismatch::ambiguous(
                    &identity,
                    [(&other.binary.name, other.facts.site), (self.name(), site)],
                )]);
            }
        };
        let base = identity;
        let identity = if distinction.is_empty() { base } else { base.distinct(&distinction, &mut self.bytes) };
        // SAFETY: the caller guarantees that the texts are alive for the call.
        let type_name = unsafe { item.type_name.get() };
        let shape = item.shape.map_or(0, |shape| shape as usize);
        let ty = self.types.entry((type_name.as_ptr(), type_name.len(), shape)).or_insert_with(|| TypeOfItems {
            // SAFETY: the text is freed with the binary's copies, or taken back with the copies that refer to it.
            name: unsafe { self.copies.texts.copy(type_name) },
            relied_on: OnceCell::new(),
        });
        let facts = Facts {
            kind: item.kind,
            size: item.size,
            align: item.align,
            option_size: item.option_size,
            needs_drop: item.drop.is_some(),
            std_is_ambiguous,
            number,
            build,
            type_id: item.type_id,
            type_name: ty.name,
            layout: item.layout,
            scheme: item.scheme,
            shape: item.shape,
            // SAFETY: as the type's name.
            site: unsafe { self.copies.texts.copy(site) },
        };
        let proof = match found.and_then(|record| self.registered.reference(record)) {
            Some(reference) => {
                let copies = self.registered.copies_of(reference.record);
                let relied_on = ty.relied_on.get_or_init(|| ReliedOn::find(&facts));
                let offered = Offered {
                    identity: &identity,
                    binary: self.binary,
                    facts: &facts,
                    written_alike,
                    relied_on,
                    shares_statics: &|name, other| {
                        shares_items_of(self.registered, self.binary, self.declarations, name, other)
                    },
                };
                Some(verify::verify(offered, reference, copies, &mut self.compared)?)
            }
            None => None,
        };
        // With other copies it is of the same kind, because they have been compared. A record that no binary has any more
        // may have been of the other.
        let record = match found.filter(|record| record.kind == facts.kind) {
            Some(record) => record,
            None => self.make_record(identity, facts.kind),
        };
        if written_alike && !distinction.is_empty() {
            self.add_to_group(base, record);
        }
        // SAFETY: copies are freed when their binary is unregistered, whose caller guarantees that nothing refers to them,
        // or taken back by `undo`, before any other code has seen them.
        let copy = unsafe {
            self.copies.values.push(ItemCopy {
                record,
                binary: self.binary,
                facts,
                proof,
                drop: item.drop,
                word: item.word.cast(),
                item: item.item,
                next: Link::default(),
            })
        };
        self.registered.link(copy);
        Ok(copy)
    }

    fn make_record(&mut self, identity: Identity<'_>, kind: u32) -> &'static Record {
        let Registered { records, memory, .. } = &mut *self.registered;
        // SAFETY: records and their texts stay for as long as the registry, or are taken back by `undo`, before any other
        // code has seen them.
        let record = unsafe {
            let identity = identity.copied(|text| memory.texts.copy(text));
            memory.values.push(Record::new(identity, kind))
        };
        self.replaced.extend(records.replace(record));
        record
    }

    /// Keeps a record as that of one of several items that are written alike.
    fn add_to_group(&mut self, base: Identity<'_>, record: &'static Record) {
        let group = self.registered.groups.entry(base.key()).or_default();
        if !group.iter().any(|other| ptr::eq(*other, record)) {
            group.push(record);
        }
    }

    /// Shows the copies to all code, or undoes everything.
    fn commit(mut self) -> Result<(), Vec<Mismatch>> {
        if !self.mismatches.is_empty() {
            self.undo();
            return Err(self.mismatches);
        }
        // SAFETY: the copies are used here, while their binary is being registered.
        for copy in unsafe { self.copies.values.since(self.before.copies.0) } {
            if self.binary.is_host {
                // Set once: a second copy of the host's would have been a duplicate.
                let _first = copy.record.host_copy.set(copy);
            }
            self.registered.publish_slot(copy);
        }
        Ok(())
    }

    fn undo(&mut self) {
        // SAFETY: the copies and records that have been added are used before they are taken back below.
        unsafe {
            self.copies.values.since(self.before.copies.0).for_each(|copy| self.registered.unlink(copy));
            let Registered { records, groups, memory, .. } = &mut *self.registered;
            for record in memory.values.since(self.before.records.0) {
                records.remove(record);
                groups.retain(|_, group| {
                    group.retain(|other| !ptr::eq(*other, record));
                    !group.is_empty()
                });
            }
        }
        self.registered.records.extend(self.replaced.drain(..));
        // SAFETY: no code outside of this registration has seen the copies and records, and nothing here refers to them any
        // more: copies are unlinked, and the set has the old records.
        unsafe {
            self.copies.undo(self.before.copies);
            self.registered.memory.undo(self.before.records);
        }
    }
}

/// Whether `binary`, or the items of it that are being registered, and `other` have an item of the crate `name` in common:
/// then they share the statics of that crate.
fn shares_items_of(
    registered: &Registered,
    binary: &Binary,
    declarations: &[Option<Declaration<'_>>],
    name: &str,
    other: &Binary,
) -> bool {
    let has = |record: &Record, binary| registered.copies_of(record).any(|copy| ptr::eq(copy.binary, binary));
    let mut identities = declarations.iter().flatten().map(|declaration| declaration.identity);
    let is_registered =
        |record: &'static Record| record.identity.crate_name() == name && has(record, binary) && has(record, other);
    identities.any(|identity| {
        identity.crate_name() == name && registered.records.get(&identity).is_some_and(|record| has(record, other))
    }) || registered.records().any(is_registered)
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;
    use std::sync::atomic::AtomicPtr;

    use plugin_tls_abi::table::KIND_THREAD_LOCAL;
    use plugin_tls_abi::text::Str;

    use super::*;
    use crate::locals::store_locals;
    use crate::mismatch::MismatchField;
    use crate::records::NewBinary;

    store_locals!(LOCALS);

    fn binary(name: &str) -> &'static Binary {
        Box::leak(Box::new(Binary::new(NewBinary {
            name: name.to_owned(),
            compiler: "rustc".to_owned(),
            ..NewBinary::default()
        })))
    }

    /// A thread-local of a number of bytes.
    fn item(name: &'static str, size: usize) -> ItemDescriptor {
        let text: &'static str =
            Box::leak(format!("api\x1f1\x1fapi\x1f\x1f{name}\x1fu8\x1f\x1f\x1fsrc/lib.rs:1:1").into());
        let path: &'static str = Box::leak(format!("api::{name}").into());
        let word: &'static AtomicPtr<()> = Box::leak(Box::default());
        ItemDescriptor {
            text: Str::new(text),
            path: Str::new(path),
            type_name: Str::new("u8"),
            type_id: [1; 16],
            layout: ptr::null(),
            scheme: ptr::null(),
            shape: None,
            size,
            align: 1,
            option_size: size + 1,
            drop: None,
            word: ptr::from_ref(word).cast(),
            item: ptr::null(),
            kind: KIND_THREAD_LOCAL,
            reserved: 0,
        }
    }

    fn register(
        registry: &Registry,
        binary: &'static Binary,
        items: &[ItemDescriptor],
    ) -> Result<(), Vec<MismatchField>> {
        let mut handles = vec![MaybeUninit::uninit(); items.len()];
        let fields = |mismatches: Vec<Mismatch>| mismatches.iter().map(|mismatch| mismatch.field).collect();
        // SAFETY: the descriptors are those of `item`, whose texts and words are never freed.
        unsafe { registry.register(binary, items, &mut handles) }.map_err(fields)
    }

    /// Each item and the binaries that have it, by item.
    fn registered(registry: &Registry) -> Vec<(&'static str, Vec<&'static str>)> {
        registry.read(|registered| {
            let names = |record| registered.copies_of(record).map(|copy| copy.binary.name.as_str()).collect();
            let mut items: Vec<_> =
                registered.records().map(|record| (record.identity.fields().name, names(record))).collect();
            items.sort();
            items
        })
    }

    /// The slot of the item with this name, which gets one.
    fn slot(registry: &Registry, name: &str) -> usize {
        let record =
            registry.read(|registered| registered.records().find(|record| record.identity.fields().name == name));
        registry.slot_of(record.unwrap())
    }

    #[test]
    fn what_is_refused_leaves_nothing() {
        let registry = Registry::new(LOCALS.slots());
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
        let registry = Registry::new(LOCALS.slots());
        let items = || [item("X", 1), item("Y", 1)];
        let [a, b, c] = ["a", "b", "c"].map(binary);
        for binary in [a, b, c] {
            register(&registry, binary, &items()).unwrap();
        }
        // In the order in which they are needed.
        assert_eq!(["Y", "X", "Y"].map(|name| slot(&registry, name)), [0, 1, 0]);
        // SAFETY: `binary` makes binaries by `Box::leak`, and nothing refers to this one or its copies any more.
        unsafe { registry.unregister(b) };
        assert_eq!(registered(&registry), [("X", vec!["a", "c"]), ("Y", vec!["a", "c"])]);
        for binary in [a, c] {
            // SAFETY: `binary` makes binaries by `Box::leak`, and nothing refers to this one or its copies any more.
            unsafe { registry.unregister(binary) };
        }
        assert_eq!(registered(&registry), [("X", vec![]), ("Y", vec![])]);
        register(&registry, binary("d"), &[item("Y", 2)]).unwrap();
        assert_eq!(registered(&registry), [("X", vec![]), ("Y", vec!["d"])]);
        assert_eq!(["X", "Y"].map(|name| slot(&registry, name)), [1, 0]);
    }

    #[test]
    fn an_item_that_is_known_is_the_same_copy() {
        let registry = Registry::new(LOCALS.slots());
        let (binary, item) = (binary("a"), item("X", 1));
        for _ in 0..2 {
            register(&registry, binary, std::slice::from_ref(&item)).unwrap();
        }
        assert_eq!(registered(&registry), [("X", vec!["a"])]);
    }
}
