//! Binaries, and the record of each item with its copies.
//!
//! A record is what all copies of an item share; it is made with the first copy and stays. A copy belongs to a binary.
//! A binary is registered with all of its items or not at all; items that only show up later are registered one by one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{c_uint, c_void};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::Release, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::process::Process;
use super::verify::{self, Compared, Mismatch, MismatchField, Proof, Side};
use crate::abi::{AtExit, DropValue, ItemDecl, KIND_THREAD_LOCAL};
use crate::item::RawItem;
use crate::key::{Declaration, Identity, Key};

/// A binary that uses the store.
#[derive(Debug)]
pub(crate) struct Binary {
    /// The file's name, for people.
    pub(crate) name: String,
    /// See `build.rs`; empty if it does not know.
    pub(crate) compiler: String,
    /// See [`crate::layout::LAYOUTS`].
    pub(crate) layouts: String,
    /// The binary that the store is part of.
    pub(crate) is_host: bool,
    /// It is being unloaded: its code may create nothing new.
    pub(crate) draining: AtomicBool,
    /// Threads that it starts and that have no record yet.
    pub(crate) starting: AtomicUsize,
    /// Threads that it has ever started.
    pub(crate) started: AtomicUsize,
    /// Keys of libc that its own std has made, with their destructors.
    pub(crate) keys: Mutex<Vec<(c_uint, Option<AtExit>)>>,
    /// The host took the word of whoever loaded it for types that nothing proves equal.
    pub(crate) trusted: bool,
}

impl Binary {
    pub(crate) fn new(name: String, compiler: &str, layouts: &str, is_host: bool, trusted: bool) -> Self {
        Binary {
            name,
            compiler: compiler.to_owned(),
            layouts: layouts.to_owned(),
            is_host,
            trusted,
            draining: AtomicBool::new(false),
            starting: AtomicUsize::new(0),
            started: AtomicUsize::new(0),
            keys: Mutex::default(),
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        // SeqCst: see `threads::Own::begin`.
        self.draining.load(SeqCst)
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, Vec<(c_uint, Option<AtExit>)>> {
        // Nothing under this lock panics.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a copy and is compared with other copies.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) kind: u32,
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) needs_drop: bool,
    pub(crate) type_id: [u8; 16],
    pub(crate) type_name: String,
    /// A `&'static TypeLayout` in the copy's binary, or null.
    pub(crate) layout: *const c_void,
    /// `file:line:column`.
    pub(crate) site: String,
}

/// An item, whichever binaries have it.
#[derive(Debug)]
pub(crate) struct Record {
    /// See [`Identity::encode`].
    identity: Box<[u8]>,
    pub(crate) kind: u32,
    /// The slot of a thread-local item in each row.
    pub(crate) index: usize,
    /// The host's own copy, whose initializer and drop code come first.
    pub(crate) host_copy: OnceLock<&'static ItemCopy>,
    /// The value of a process-wide item.
    pub(crate) process: Process,
}

/// One binary's copy of an item.
#[derive(Debug)]
pub(crate) struct ItemCopy {
    pub(crate) record: &'static Record,
    pub(crate) binary: &'static Binary,
    pub(crate) facts: Facts,
    /// What accepted it; of an item's first copy, [`Proof::First`].
    #[cfg_attr(not(feature = "host"), expect(dead_code, reason = "for snapshots"))]
    pub(crate) proof: Proof,
    pub(crate) drop: Option<DropValue>,
    /// See [`ItemDecl::word`].
    word: *const AtomicPtr<()>,
    /// See [`ItemDecl::item`].
    item: *const c_void,
}

// SAFETY: the pointers are to statics of the copy's binary, which may be read from any thread (`word` is an atomic,
// `RawItem` is `Sync`, layouts are immutable), and the binary stays mapped for as long as it is registered.
unsafe impl Send for ItemCopy {}
// SAFETY: as above.
unsafe impl Sync for ItemCopy {}
// SAFETY: as above; `Facts` has the layout only.
unsafe impl Send for Facts {}
// SAFETY: as above.
unsafe impl Sync for Facts {}

impl Record {
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity::decode(&self.identity).expect("records are made from encoded identities")
    }
}

impl ItemCopy {
    /// The host's own static, if this is the host's copy.
    pub(crate) fn host_item(&self) -> Option<&'static RawItem> {
        // SAFETY: in the host's own copies `item` comes from `RawItem::declare` of this very crate.
        self.binary.is_host.then(|| unsafe { &*self.item.cast::<RawItem>() })
    }

    /// A copy of the host's, of an item of its own.
    #[cfg(all(test, feature = "abi_stable"))]
    pub(crate) fn for_tests(facts: Facts) -> &'static Self {
        // SAFETY: the host's own binary, which is never freed.
        let binary = unsafe { &*super::own_binary() };
        let record = Box::leak(Box::new(Record {
            identity: Box::default(),
            kind: facts.kind,
            index: 0,
            host_copy: OnceLock::new(),
            process: Process::default(),
        }));
        let (word, item) = (std::ptr::null(), std::ptr::null());
        Box::leak(Box::new(ItemCopy { record, binary, facts, proof: Proof::First, drop: None, word, item }))
    }

    /// Tells the copy where to look from now on.
    pub(crate) fn publish(&self, word: *mut ()) {
        // Release: whoever reads the word may rely on what it leads to.
        // SAFETY: the word is an atomic of a binary that is mapped.
        unsafe { (*self.word).store(word, Release) }
    }
}

/// Everything that is registered.
pub(crate) struct Registry(Mutex<Option<Registered>>);

#[derive(Default)]
pub(crate) struct Registered {
    /// By key, and in the bucket by comparing identities: a hash is never trusted alone.
    items: HashMap<Key, Vec<RegisteredItem>>,
    thread_locals: usize,
}

pub(crate) struct RegisteredItem {
    pub(crate) record: &'static Record,
    pub(crate) copies: Vec<&'static ItemCopy>,
}

impl RegisteredItem {
    /// The copy that a new one is compared with first, and that reports name.
    pub(crate) fn reference(&self) -> Option<&'static ItemCopy> {
        self.record.host_copy.get().copied().or_else(|| self.copies.first().copied())
    }
}

impl Registered {
    #[cfg(feature = "host")]
    pub(crate) fn items(&self) -> impl Iterator<Item = &RegisteredItem> {
        self.items.values().flatten()
    }

    /// The copies of a record that is registered.
    #[cfg(feature = "host")]
    pub(crate) fn copies_of(&self, record: &Record) -> &[&'static ItemCopy] {
        self.find(Key::of(&record.identity), &record.identity).map_or(&[], |item| &item.copies)
    }

    fn find(&self, key: Key, identity: &[u8]) -> Option<&RegisteredItem> {
        self.items.get(&key)?.iter().find(|item| *item.record.identity == *identity)
    }
}

/// A copy that has been read and verified, and not registered yet.
struct Candidate {
    key: Key,
    identity: Vec<u8>,
    facts: Facts,
    proof: Proof,
    /// The copy is registered already.
    known: Option<&'static ItemCopy>,
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Registry(Mutex::new(None))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Registered>> {
        // Nothing under this lock panics half-way: it is filled after everything has been checked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a plugin and its copies. The records stay: the same items get the same slots when it comes back.
    ///
    /// # Safety
    ///
    /// Nothing refers to the plugin or its copies any more: no value, no thread, no code of the plugin.
    #[cfg(feature = "host")]
    pub(crate) unsafe fn unregister(&self, binary: &'static Binary) {
        let mut guard = self.lock();
        let registered = guard.get_or_insert_default();
        for item in registered.items.values_mut().flatten() {
            item.copies.retain(|copy| {
                let keep = !std::ptr::eq(copy.binary, binary);
                if !keep {
                    // SAFETY: made by `Box::leak` in `add`; the caller says that nothing else refers to it.
                    drop(unsafe { Box::from_raw(std::ptr::from_ref(*copy).cast_mut()) });
                }
                keep
            });
        }
        // SAFETY: made by `Box::leak` when it was connected; the caller says that nothing else refers to it.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(binary).cast_mut()) });
    }

    #[cfg(feature = "host")]
    pub(crate) fn read<R>(&self, read: impl FnOnce(&Registered) -> R) -> R {
        read(self.lock().get_or_insert_default())
    }

    /// Registers all `items` of `binary`, or none: then with everything that is wrong with them.
    pub(crate) fn register(
        &self,
        binary: &'static Binary,
        items: &[ItemDecl],
    ) -> Result<Vec<&'static ItemCopy>, Vec<Mismatch>> {
        let mut guard = self.lock();
        let registered = guard.get_or_insert_default();
        let mut candidates: Vec<Candidate> = Vec::with_capacity(items.len());
        let mut mismatches = Vec::new();
        let mut first_of_key: HashMap<Key, usize> = HashMap::new();
        let mut compared = Compared::default();
        for decl in items {
            let candidate = match registered.examine(binary, decl, &mut compared) {
                Ok(candidate) => candidate,
                Err(mut found) => {
                    mismatches.append(&mut found);
                    continue;
                }
            };
            match first_of_key.entry(candidate.key) {
                Entry::Vacant(entry) => {
                    entry.insert(candidates.len());
                }
                Entry::Occupied(entry) => {
                    let first = &candidates[*entry.get()];
                    if first.identity == candidate.identity {
                        mismatches.push(duplicate(binary, &candidate.identity, &first.facts, &candidate.facts));
                    }
                }
            }
            candidates.push(candidate);
        }
        if !mismatches.is_empty() {
            return Err(mismatches);
        }
        Ok(candidates.into_iter().zip(items).map(|(candidate, decl)| registered.add(binary, candidate, decl)).collect())
    }
}

impl Registered {
    /// Reads and verifies one copy.
    fn examine(
        &self,
        binary: &'static Binary,
        decl: &ItemDecl,
        compared: &mut Compared,
    ) -> Result<Candidate, Vec<Mismatch>> {
        // SAFETY: the texts of a declaration live as long as its binary, which is mapped now.
        let (text, path, type_name) = unsafe { (decl.text.get(), decl.path.get(), decl.type_name.get()) };
        let Some(Declaration { identity, site }) = Declaration::read(text, path) else {
            return Err(vec![unreadable(binary, text, path)]);
        };
        let facts = Facts {
            kind: decl.kind,
            size: decl.size,
            align: decl.align,
            needs_drop: decl.drop.is_some(),
            type_id: decl.type_id,
            type_name: type_name.to_owned(),
            layout: decl.layout,
            site: site.to_owned(),
        };
        let mut encoded = Vec::with_capacity(text.len() + path.len() + 64);
        identity.encode(&mut encoded);
        let key = Key::of(&encoded);
        let mut candidate = Candidate { key, identity: encoded, facts, proof: Proof::First, known: None };
        let Some(item) = self.find(key, &candidate.identity) else { return Ok(candidate) };

        if let Some(own) = item.copies.iter().copied().find(|copy| std::ptr::eq(copy.binary, binary)) {
            if own.word.cast() == decl.word {
                candidate.known = Some(own);
                return Ok(candidate);
            }
            return Err(vec![duplicate(binary, &candidate.identity, &own.facts, &candidate.facts)]);
        }
        if item.reference().is_some() {
            candidate.proof = verify::verify(&identity, item, binary, &candidate.facts, compared)?;
        }
        Ok(candidate)
    }

    fn add(&mut self, binary: &'static Binary, candidate: Candidate, decl: &ItemDecl) -> &'static ItemCopy {
        let Candidate { key, identity, facts, proof, known } = candidate;
        if let Some(known) = known {
            return known;
        }
        let bucket = self.items.entry(key).or_default();
        // A record that nobody has any more may have been of the other kind.
        bucket.retain(|item| {
            *item.record.identity != *identity || !item.copies.is_empty() || item.record.kind == facts.kind
        });
        let position = bucket.iter().position(|item| *item.record.identity == *identity).unwrap_or_else(|| {
            let index = self.thread_locals;
            if facts.kind == KIND_THREAD_LOCAL {
                self.thread_locals += 1;
            }
            let record = Box::leak(Box::new(Record {
                identity: identity.into_boxed_slice(),
                kind: facts.kind,
                index,
                host_copy: OnceLock::new(),
                process: Process::default(),
            }));
            bucket.push(RegisteredItem { record, copies: Vec::new() });
            bucket.len() - 1
        });
        let item = &mut bucket[position];
        let copy: &'static ItemCopy = Box::leak(Box::new(ItemCopy {
            record: item.record,
            binary,
            facts,
            proof,
            drop: decl.drop,
            word: decl.word.cast(),
            item: decl.item,
        }));
        item.copies.push(copy);
        if binary.is_host {
            // Set once: a second copy of the host's would have been a duplicate.
            let _first = item.record.host_copy.set(copy);
        }
        if item.record.kind == KIND_THREAD_LOCAL {
            copy.publish(std::ptr::without_provenance_mut(item.record.index));
        }
        copy
    }
}

fn duplicate(binary: &Binary, identity: &[u8], first: &Facts, second: &Facts) -> Mismatch {
    let side = |facts: &Facts| Side {
        binary: binary.name.clone(),
        value: "one declaration of two".to_owned(),
        site: facts.site.clone(),
    };
    Mismatch {
        item: Identity::decode(identity).map(|identity| identity.to_string()).unwrap_or_default(),
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
