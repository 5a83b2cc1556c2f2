//! How the items of a binary get into the registry.
//!
//! A binary is registered with all of its items or not at all; items that only show up later are registered one by one.
//! Each item that is in order becomes a copy at once; nobody outside sees one until all of them are, and if one item is
//! not in order, all is undone.

use std::ptr::{self, NonNull};

use super::registry::{Binary, Facts, ItemCopy, Record, Registered, UnderLock};
use super::verify::{self, Compared, Mismatch, MismatchField, Proof, Side};
use crate::abi::{ItemDecl, KIND_THREAD_LOCAL};
use crate::key::{Declaration, Encoded, Identity};

/// Copies that were registered together, and what they have copied of their binary's texts: two allocations, whatever
/// their number. It belongs to the binary, and so does what it holds.
#[derive(Debug)]
pub(crate) struct Block {
    /// It never grows beyond what it was made for: nothing in it moves.
    copies: Vec<ItemCopy>,
    /// As above.
    texts: String,
}

impl Block {
    /// Room for the copies of `items`.
    fn for_items(items: &[ItemDecl]) -> Self {
        let texts = items.iter().map(|item| {
            // SAFETY: the texts of a declaration live as long as its binary, which is mapped now.
            let (text, type_name) = unsafe { (item.text.get(), item.type_name.get()) };
            Declaration::site(text).len() + type_name.len()
        });
        Block { copies: Vec::with_capacity(items.len()), texts: String::with_capacity(texts.sum()) }
    }

    /// Copies a text.
    fn keep(&mut self, text: &str) -> &'static str {
        let start = self.texts.len();
        assert!(text.len() <= self.texts.capacity() - start, "there is room for all texts");
        self.texts.push_str(text);
        // SAFETY: it stays in place, and for as long as the block: whoever drops the block says that nothing refers to
        // what is in it.
        unsafe { &*ptr::from_ref(&self.texts[start..]) }
    }

    fn push(&mut self, copy: ItemCopy) -> &'static ItemCopy {
        let position = self.copies.len();
        assert!(position < self.copies.capacity(), "there is room for all copies");
        self.copies.push(copy);
        // SAFETY: as above.
        unsafe { &*self.copies.as_ptr().add(position) }
    }

    pub(crate) fn copies(&self) -> impl Iterator<Item = &ItemCopy> {
        self.copies.iter()
    }
}

/// A registration under way.
pub(super) struct Registration<'a> {
    registered: &'a mut Registered,
    binary: &'static Binary,
    block: Block,
    /// The copies of the items that were taken, whether they are new or were there.
    copies: Vec<&'static ItemCopy>,
    /// The records that are new, and those in whose place they are.
    made: Vec<(NonNull<Record>, Option<&'static Record>)>,
    mismatches: Vec<Mismatch>,
    compared: Compared,
    /// The identity of the item that is being taken.
    identity: Vec<u8>,
    /// [`Registered::thread_locals`] before all this.
    thread_locals: usize,
}

impl<'a> Registration<'a> {
    pub(super) fn begin(registered: &'a mut Registered, binary: &'static Binary, items: &[ItemDecl]) -> Self {
        let thread_locals = registered.thread_locals;
        Registration {
            registered,
            binary,
            block: Block::for_items(items),
            copies: Vec::with_capacity(items.len()),
            made: Vec::new(),
            mismatches: Vec::new(),
            compared: Compared::default(),
            identity: Vec::new(),
            thread_locals,
        }
    }

    /// Reads and verifies one of the items, and makes a copy of it.
    pub(super) fn take(&mut self, item: &ItemDecl) {
        match self.copy(item) {
            Ok(copy) => self.copies.push(copy),
            Err(mut found) => self.mismatches.append(&mut found),
        }
    }

    fn copy(&mut self, item: &ItemDecl) -> Result<&'static ItemCopy, Vec<Mismatch>> {
        // SAFETY: the texts of a declaration live as long as its binary, which is mapped now.
        let (text, path, type_name) = unsafe { (item.text.get(), item.path.get(), item.type_name.get()) };
        let Some(Declaration { identity, site }) = Declaration::read(text, path) else {
            return Err(vec![unreadable(self.binary, text, path)]);
        };
        let facts = Facts {
            kind: item.kind,
            size: item.size,
            align: item.align,
            needs_drop: item.drop.is_some(),
            type_id: item.type_id,
            type_name: self.block.keep(type_name),
            layout: item.layout,
            site: self.block.keep(site),
        };
        self.identity.clear();
        identity.encode(&mut self.identity);
        let encoded = Encoded::new(&self.identity);
        let found = self.registered.records.get(&encoded).copied();
        let mut proof = Proof::First;
        if let Some(record) = found {
            let copies = || self.registered.copies_of(record);
            if let Some(own) = copies().find(|copy| ptr::eq(copy.binary, self.binary)) {
                if own.word.cast() == item.word {
                    return Ok(own);
                }
                return Err(vec![duplicate(self.binary, &identity, &own.facts, &facts)]);
            }
            if let Some(reference) = self.registered.reference(record) {
                proof = verify::verify(&identity, reference, copies(), self.binary, &facts, &mut self.compared)?;
            }
        }
        // With other copies it is of the same kind: they have been compared. A record that nobody has any more may have
        // been of the other.
        let record = match found.filter(|record| record.kind == facts.kind) {
            Some(record) => record,
            None => self.make_record(facts.kind),
        };
        let copy = self.block.push(ItemCopy {
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

    /// A record of the item that is being taken.
    fn make_record(&mut self, kind: u32) -> &'static Record {
        let index = self.registered.thread_locals;
        if kind == KIND_THREAD_LOCAL {
            self.registered.thread_locals += 1;
        }
        let record = NonNull::from(Box::leak(Box::new(Record::new(Encoded::new(&self.identity).leak(), kind, index))));
        // SAFETY: it is freed by `undo` only, which takes it from all that could lead to it.
        let shared: &'static Record = unsafe { record.as_ref() };
        let instead_of = self.registered.records.replace(shared);
        self.made.push((record, instead_of));
        shared
    }

    /// Shows the copies to everybody, or nothing.
    pub(super) fn finish(self) -> Result<Vec<&'static ItemCopy>, Vec<Mismatch>> {
        if !self.mismatches.is_empty() {
            return Err(self.undo());
        }
        for copy in &self.copies {
            if self.binary.is_host {
                // Set once: a second copy of the host's would have been a duplicate.
                let _first = copy.record.host_copy.set(copy);
            }
            if copy.record.kind == KIND_THREAD_LOCAL {
                copy.publish(ptr::without_provenance_mut(copy.record.index));
            }
        }
        self.binary.blocks().push(self.block);
        Ok(self.copies)
    }

    fn undo(self) -> Vec<Mismatch> {
        self.block.copies().for_each(|copy| self.registered.unlink(copy));
        for (record, instead_of) in self.made {
            // SAFETY: made in `make_record`; nothing else refers to it once it is out of the table, since its copies go
            // with the block.
            unsafe {
                match instead_of {
                    Some(before) => drop(self.registered.records.replace(before)),
                    None => drop(self.registered.records.take(&record.as_ref().encoded)),
                }
                let encoded = record.as_ref().encoded;
                drop(Box::from_raw(record.as_ptr()));
                encoded.free();
            }
        }
        self.registered.thread_locals = self.thread_locals;
        self.mismatches
    }
}

fn duplicate(binary: &Binary, identity: &Identity<'_>, first: &Facts, second: &Facts) -> Mismatch {
    let side = |facts: &Facts| Side {
        binary: binary.name.clone(),
        value: "one declaration of two".to_owned(),
        site: facts.site.to_owned(),
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
