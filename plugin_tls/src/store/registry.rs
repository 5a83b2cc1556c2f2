//! Binaries, and the record of each item with its copies.
//!
//! A record is what all copies of an item share; it is made with the first copy and stays. A copy belongs to a binary and
//! goes with it.

use std::borrow::Borrow;
use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::{c_uint, c_void};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::Release, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::arena::{Arena, Mark};
use super::process::Process;
use super::registration::Registration;
use super::verify::{Mismatch, Proof};
use crate::abi::{AtExit, DropValue, ItemDecl, ItemHandle};
use crate::item::RawItem;
use crate::key::{ByKey, Identity, Written};
use crate::row;

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
    /// Its copies.
    held: Mutex<Held<ItemCopy>>,
}

/// Where copies are, or records.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) values: Arena<T>,
    /// What the values have copied of binaries' texts.
    pub(super) texts: Arena<u8>,
}

impl<T: 'static> Held<T> {
    const fn new() -> Self {
        Held { values: Arena::new(), texts: Arena::new() }
    }

    pub(super) fn mark(&self) -> (Mark, Mark) {
        (self.values.mark(), self.texts.mark())
    }

    /// Takes back what has been added since.
    pub(super) fn undo(&mut self, (values, texts): (Mark, Mark)) {
        self.values.undo(values);
        self.texts.undo(texts);
    }
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
            held: Mutex::new(Held::new()),
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

    pub(super) fn held(&self) -> MutexGuard<'_, Held<ItemCopy>> {
        // As above.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a copy and is compared with other copies. The texts are [`Held`] with the copy.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Facts {
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) kind: u32,
    pub(crate) needs_drop: bool,
    pub(crate) type_id: [u8; 16],
    pub(crate) type_name: &'static str,
    /// A `&'static TypeLayout` in the copy's binary, or null.
    pub(crate) layout: *const c_void,
    /// `file:line:column`.
    pub(crate) site: &'static str,
}

/// An item, whichever binaries have it. What is needed when a value is built comes first: threads that build many values
/// wait for memory most of the time.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Record {
    /// The host's own copy, whose initializer and drop code come first.
    pub(crate) host_copy: OnceLock<&'static ItemCopy>,
    /// Which slot a thread-local item has on each thread, once any thread has needed it: see [`Registry::slot_of`].
    pub(crate) slot: OnceLock<usize>,
    /// The value of a process-wide item.
    pub(crate) process: Process,
    pub(crate) kind: u32,
    written: Written<'static>,
    /// The copy that was registered first.
    first: UnderLock<Option<&'static ItemCopy>>,
}

/// One binary's copy of an item. What is needed when a value is built or dropped comes first, as in [`Record`].
#[derive(Debug)]
#[repr(C)]
pub(crate) struct ItemCopy {
    pub(crate) record: &'static Record,
    pub(crate) binary: &'static Binary,
    pub(crate) drop: Option<DropValue>,
    pub(crate) facts: Facts,
    /// What accepted it; of an item's first copy, [`Proof::First`].
    #[cfg_attr(not(feature = "host"), allow(dead_code, reason = "for snapshots"))]
    pub(crate) proof: Proof,
    /// See [`ItemDecl::word`].
    pub(super) word: *const AtomicPtr<()>,
    /// See [`ItemDecl::item`].
    pub(super) item: *const c_void,
    /// The copy of the same item that was registered next.
    pub(super) next: UnderLock<Option<&'static ItemCopy>>,
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
    pub(super) fn new(written: Written<'static>, kind: u32) -> Self {
        Record {
            written,
            kind,
            slot: OnceLock::new(),
            host_copy: OnceLock::new(),
            process: Process::default(),
            first: UnderLock::new(None),
        }
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        self.written.identity()
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Record {}

impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.written.hash(state);
    }
}

impl<'a> Borrow<Written<'a>> for &'static Record {
    fn borrow(&self) -> &Written<'a> {
        &self.written
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
        let record = Box::leak(Box::new(Record::new(Written::default(), facts.kind)));
        let (word, item, next) = (ptr::null(), ptr::null(), UnderLock::new(None));
        Box::leak(Box::new(ItemCopy { record, binary, facts, proof: Proof::First, drop: None, word, item, next }))
    }

    /// The slot of a thread-local item that a value has been built for.
    pub(super) fn slot(&self) -> usize {
        *self.record.slot.get().expect("a slot is given before a value is built")
    }

    /// Tells the copy of a thread-local item where its slot is, if it has one.
    pub(super) fn show_slot(&self) {
        if let Some(slot) = self.record.slot.get() {
            self.publish(ptr::without_provenance_mut(row::own::word(*slot)));
        }
    }

    /// Tells the copy where to look from now on.
    pub(crate) fn publish(&self, word: *mut ()) {
        // Release: whoever reads the word may rely on what it leads to.
        // SAFETY: the word is an atomic of a binary that is mapped.
        unsafe { (*self.word).store(word, Release) }
    }
}

/// What is read and written under the lock of the [`Registry`] only: whoever has what the lock protects has the lock.
pub(crate) struct UnderLock<T>(Cell<T>);

// SAFETY: there is one `Registered`, behind the lock; without it nobody gets at the cell, and without having it alone
// nobody writes.
unsafe impl<T: Send> Sync for UnderLock<T> {}

impl<T: Copy> UnderLock<T> {
    pub(super) fn new(value: T) -> Self {
        UnderLock(Cell::new(value))
    }

    fn get(&self, _: &Registered) -> T {
        self.0.get()
    }

    fn set(&self, _: &mut Registered, value: T) {
        self.0.set(value);
    }
}

impl<T> fmt::Debug for UnderLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnderLock(..)")
    }
}

/// Everything that is registered. There is one.
pub(crate) struct Registry(Mutex<Option<Registered>>);

pub(crate) struct Registered {
    /// Found by key, and told apart by identity: a hash is never trusted alone.
    pub(super) records: HashSet<&'static Record, ByKey>,
    /// The records, those included that others have replaced.
    pub(super) held: Held<Record>,
    /// The next slot.
    slots: usize,
}

impl Default for Registered {
    fn default() -> Self {
        Registered { records: HashSet::default(), held: Held::new(), slots: 0 }
    }
}

impl Registered {
    #[cfg(feature = "host")]
    pub(crate) fn records(&self) -> impl Iterator<Item = &'static Record> {
        self.records.iter().copied()
    }

    /// Looks at the items of `binary`, or at all.
    #[cfg(feature = "host")]
    pub(crate) fn records_of(&self, binary: Option<&Binary>, look: impl FnMut(&'static Record)) {
        match binary {
            Some(binary) => binary.held().values.since(Mark::default()).map(|copy| copy.record).for_each(look),
            None => self.records().for_each(look),
        }
    }

    /// The copies of an item, in the order of their registration.
    pub(crate) fn copies_of(&self, record: &Record) -> impl Iterator<Item = &'static ItemCopy> {
        iter::successors(record.first.get(self), |copy| copy.next.get(self))
    }

    /// The copy that a new one is compared with first, and that reports name.
    pub(crate) fn reference(&self, record: &Record) -> Option<&'static ItemCopy> {
        record.host_copy.get().copied().or_else(|| record.first.get(self))
    }

    /// Adds a copy to those of its item.
    pub(super) fn link(&mut self, copy: &'static ItemCopy) {
        let end = self.copies_of(copy.record).last().map_or(&copy.record.first, |last| &last.next);
        end.set(self, Some(copy));
    }

    /// Takes a copy from those of its item.
    pub(super) fn unlink(&mut self, copy: &ItemCopy) {
        let is_it = |next: Option<&ItemCopy>| next.is_some_and(|next| ptr::eq(next, copy));
        let before = self.copies_of(copy.record).find(|other| is_it(other.next.get(self)));
        let link = before.map_or(&copy.record.first, |before| &before.next);
        link.set(self, copy.next.get(self));
    }
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Registry(Mutex::new(None))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Registered>> {
        // Nothing under this lock panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of a thread-local item. Slots are given to items in the order in which they are needed, for the first ones
    /// are the fastest; an item keeps its slot for good.
    pub(crate) fn slot_of(&self, record: &Record) -> usize {
        record.slot.get().copied().unwrap_or_else(|| self.give_slot(record))
    }

    #[cold]
    fn give_slot(&self, record: &Record) -> usize {
        let mut guard = self.lock();
        let registered = guard.get_or_insert_default();
        // Under the lock: nobody else gives a slot, and no copy is added without its word.
        let slot = *record.slot.get_or_init(|| {
            registered.slots += 1;
            registered.slots - 1
        });
        registered.copies_of(record).for_each(ItemCopy::show_slot);
        slot
    }

    #[cfg(feature = "host")]
    pub(crate) fn read<R>(&self, read: impl FnOnce(&Registered) -> R) -> R {
        read(self.lock().get_or_insert_default())
    }

    /// Registers all `items` of `binary`, or none: then with everything that is wrong with them. Each gets its handle.
    pub(crate) fn register(
        &self,
        binary: &'static Binary,
        items: &[ItemDecl],
        handles: &mut [MaybeUninit<ItemHandle>],
    ) -> Result<(), Vec<Mismatch>> {
        let mut guard = self.lock();
        let mut registration = Registration::begin(guard.get_or_insert_default(), binary, items.len());
        for (item, handle) in items.iter().zip(handles) {
            registration.take(item, handle);
        }
        registration.finish()
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
        binary.held().values.since(Mark::default()).for_each(|copy| registered.unlink(copy));
        // SAFETY: made by `Box::leak` when it was connected; the caller says that nothing else refers to it, nor to its
        // copies.
        drop(unsafe { Box::from_raw(ptr::from_ref(binary).cast_mut()) });
    }
}
