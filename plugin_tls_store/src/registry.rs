//! Everything that is registered: looking up, adding, taking out.

use std::collections::{HashMap, HashSet};
use std::iter;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::MutexGuard;

use plugin_tls_abi::identity::{ByKey, Key};
use plugin_tls_abi::sync::Mutex;
use plugin_tls_abi::table::ItemHandle;

use crate::arena::{Mark, WithTexts};
use crate::records::{Binary, ItemCopy, Record};
use crate::slots::SlotLocals;

/// All items and their copies.
#[derive(Debug)]
pub struct Registry {
    registered: Mutex<Registered>,
    locals: &'static SlotLocals,
}

/// What the registry's lock protects.
#[derive(Debug)]
pub struct Registered {
    /// Found by key, and told apart by identity.
    pub(crate) records: HashSet<&'static Record, ByKey>,
    /// The records of items of which a binary has several that are written alike, by the key of the identity without
    /// distinction.
    pub(crate) groups: HashMap<Key, Vec<&'static Record>, ByKey>,
    /// The records, those included that others have replaced.
    pub(crate) memory: WithTexts<Record>,
    /// The next slot.
    next_slot: usize,
    locals: &'static SlotLocals,
}

impl Registered {
    pub fn records(&self) -> impl Iterator<Item = &'static Record> {
        self.records.iter().copied()
    }

    /// The items of `binary`.
    pub fn records_of(&self, binary: &Binary) -> Vec<&'static Record> {
        let mut records = Vec::new();
        self.for_each_record(Some(binary), |record| records.push(record));
        records
    }

    /// Looks at the items of `binary`, or at all.
    pub(crate) fn for_each_record(&self, binary: Option<&Binary>, look: impl FnMut(&'static Record)) {
        match binary {
            Some(binary) => {
                let copies = binary.copies.lock();
                // SAFETY: the copies are used in this function. The binary stays registered meanwhile, because taking it
                // out needs the lock of the registry, which is held.
                unsafe { copies.values.since(Mark::default()) }.map(|copy| copy.record).for_each(look);
            }
            None => self.records().for_each(look),
        }
    }

    /// The copies of an item, in the order of their registration.
    pub fn copies_of(&self, record: &Record) -> impl Iterator<Item = &'static ItemCopy> {
        iter::successors(record.first.get(), |copy| copy.next.get())
    }

    /// The copy that a new one is compared with first, and that reports name.
    pub fn reference(&self, record: &Record) -> Option<&'static ItemCopy> {
        record.host_copy.get().copied().or_else(|| record.first.get())
    }

    /// Adds a copy to those of its item.
    pub(crate) fn link(&mut self, copy: &'static ItemCopy) {
        let end = self.copies_of(copy.record).last().map_or(&copy.record.first, |last| &last.next);
        end.set(Some(copy));
    }

    /// Takes a copy from those of its item.
    pub(crate) fn unlink(&mut self, copy: &ItemCopy) {
        let before = self
            .copies_of(copy.record)
            .find(|other| other.next.get().is_some_and(|next| ptr::eq(next, copy)))
            .map_or(&copy.record.first, |before| &before.next);
        before.set(copy.next.get());
    }

    /// Tells a copy of a thread-local item where its slot is, if it has one.
    pub(crate) fn publish_slot(&self, copy: &ItemCopy) {
        if let Some(slot) = copy.record.slot.get() {
            copy.publish_slot(self.locals.word(*slot));
        }
    }
}

impl Registry {
    #[allow(clippy::mutable_key_type, reason = "the identity, which is hashed and compared, never changes")]
    pub(crate) const fn new(locals: &'static SlotLocals) -> Self {
        let records = HashSet::with_hasher(ByKey::new());
        let groups = HashMap::with_hasher(ByKey::new());
        let registered = Registered { records, groups, memory: WithTexts::new(), next_slot: 0, locals };
        Registry { registered: Mutex::new(registered), locals }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Registered> {
        self.registered.lock()
    }

    /// Reads what is registered. No binary is registered or taken out meanwhile.
    pub fn read<R>(&self, read: impl FnOnce(&Registered) -> R) -> R {
        read(&self.lock())
    }

    /// The slot of a thread-local item. Slots are given to items in the order in which they are needed, because the first
    /// ones are the fastest. An item keeps its slot for good.
    pub(crate) fn slot_of(&self, record: &Record) -> usize {
        record.slot.get().copied().unwrap_or_else(|| self.give_slot(record))
    }

    #[cold]
    fn give_slot(&self, record: &Record) -> usize {
        let mut registered = self.lock();
        // Under the lock, so that no other thread gives a slot, and no copy is added that would miss its word.
        let slot = *record.slot.get_or_init(|| {
            registered.next_slot += 1;
            registered.next_slot - 1
        });
        let word = self.locals.word(slot);
        registered.copies_of(record).for_each(|copy| copy.publish_slot(word));
        slot
    }

    /// Takes out a plugin and its copies, and frees both. The records stay, so that the same items get the same slots when
    /// the plugin comes back.
    ///
    /// # Safety
    ///
    /// - The plugin was registered here, and it was made by `Box::leak`.
    /// - Nothing refers to the plugin or its copies any more: no value, no thread, no code of the plugin.
    pub(crate) unsafe fn unregister(&self, plugin: &'static Binary) {
        let mut registered = self.lock();
        let copies = plugin.copies.lock();
        // SAFETY: the copies are used before the plugin is freed below.
        unsafe { copies.values.since(Mark::default()) }.for_each(|copy| registered.unlink(copy));
        drop(copies);
        // SAFETY: the caller guarantees that it was made by `Box::leak`, and that nothing refers to it or its copies.
        drop(unsafe { Box::from_raw(ptr::from_ref(plugin).cast_mut()) });
    }
}

/// Room for the handles of a binary's items.
pub(crate) type Handles<'a> = &'a mut [MaybeUninit<ItemHandle>];
