//! What a thread has to do before it ends, as a list.
//!
//! The list is the thread's: it alone adds entries and runs them. Others look at it, under its lock, to find out whether a
//! plugin is still needed. So an entry of a plugin's is on the list from before the plugin's code starts to build a value
//! until after the plugin's code has dropped it: as *active* first, then among those that wait, then as active again.
//!
//! Entries are linked, so that adding one allocates nothing: that of a value stands right before the value, in the memory
//! that was allocated for both.

use std::alloc::Layout;
use std::ffi::{c_uint, c_void};
use std::ptr::NonNull;

use super::registry::{Binary, ItemCopy};
use crate::abi::AtExit;
use crate::row::Slots;

/// Something that a thread has to do before it ends, or before the owner's code goes away: a pointer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(NonNull<Header>);

/// How each entry starts.
#[repr(C)]
struct Header {
    older: Option<Entry>,
    /// Of a value, which follows at [`offset`]; of anything else it is null, and this is a [`NoValue`].
    owner: Option<&'static ItemCopy>,
}

#[repr(C)]
struct NoValue {
    header: Header,
    task: Task,
}

/// What an [`Entry`] is.
#[derive(Clone, Copy)]
pub(crate) enum Task {
    /// Drop a value.
    Value(&'static ItemCopy),
    /// Call a function that the plugin's own std has registered.
    Function { plugin: &'static Binary, function: AtExit, object: *mut c_void },
    /// Call the destructor of a key that the plugin's own std has made, if the thread has a value for it.
    Key { plugin: &'static Binary, key: c_uint, function: AtExit },
}

/// From the start of an entry to its value.
fn offset(owner: &ItemCopy) -> usize {
    owner.facts.align.max(size_of::<Header>())
}

impl Entry {
    /// What is to be allocated for a value of the owner's type.
    pub(super) fn layout(owner: &ItemCopy) -> Layout {
        Layout::from_size_align(offset(owner) + owner.facts.size, owner.facts.align.max(align_of::<Header>()))
            .expect("size and alignment come from a type")
    }

    /// Makes an entry of memory.
    ///
    /// # Safety
    ///
    /// `memory` was allocated with the owner's [`layout`](Self::layout), and nothing else uses it.
    pub(super) unsafe fn of_value(memory: NonNull<u8>, owner: &'static ItemCopy) -> Self {
        let header = memory.cast::<Header>();
        // SAFETY: the memory is aligned for a header and larger than one: the caller's word.
        unsafe { header.write(Header { older: None, owner: Some(owner) }) };
        Entry(header)
    }

    /// An entry that is not a value.
    pub(crate) fn new(task: Task) -> Self {
        let entry = Box::new(NoValue { header: Header { older: None, owner: None }, task });
        Entry(NonNull::from(Box::leak(entry)).cast())
    }

    /// The memory that the entry was made of, to be freed with the global allocator.
    pub(super) fn memory(self) -> (NonNull<u8>, Layout) {
        let layout = match self.task() {
            Task::Value(owner) => Self::layout(owner),
            Task::Function { .. } | Task::Key { .. } => Layout::new::<NoValue>(),
        };
        (self.0.cast(), layout)
    }

    /// Where the value of an entry of `owner` is, or will be.
    pub(crate) fn value(self, owner: &ItemCopy) -> NonNull<u8> {
        // SAFETY: the value follows within the same allocation (see `layout`).
        unsafe { self.0.cast::<u8>().add(offset(owner)) }
    }

    pub(crate) fn task(self) -> Task {
        // SAFETY: an entry is used for as long as it is on a list, or by whoever has taken it off one, and freed then.
        match unsafe { self.0.as_ref() }.owner {
            Some(owner) => Task::Value(owner),
            // SAFETY: as above; without owner it was made by `new`.
            None => unsafe { self.0.cast::<NoValue>().as_ref() }.task,
        }
    }

    /// The binary whose code the entry needs.
    pub(crate) fn binary(self) -> &'static Binary {
        match self.task() {
            Task::Value(owner) => owner.binary,
            Task::Function { plugin, .. } | Task::Key { plugin, .. } => plugin,
        }
    }

    fn part(self) -> Part {
        match self.task() {
            Task::Value(owner) if owner.drop.is_none() => Part::Values,
            Task::Value(_) | Task::Function { .. } => Part::First,
            Task::Key { .. } => Part::Keys,
        }
    }
}

/// In which order entries are run: each part last created first.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// Values with a destructor, and functions.
    First,
    Keys,
    /// Values without a destructor.
    Values,
}

impl Part {
    pub(super) const ALL: [Part; 3] = [Part::First, Part::Keys, Part::Values];
}

/// Entries that are linked.
#[derive(Clone, Copy)]
struct Chain {
    newest: Option<Entry>,
    length: usize,
}

impl Chain {
    const EMPTY: Chain = Chain { newest: None, length: 0 };

    fn entries(self) -> impl Iterator<Item = Entry> {
        // SAFETY: entries on a list are alive.
        std::iter::successors(self.newest, |entry| unsafe { entry.0.as_ref() }.older)
    }

    fn add(&mut self, mut entry: Entry) {
        // SAFETY: the entry is on no list yet, so that nobody else looks at it.
        unsafe { entry.0.as_mut() }.older = self.newest.replace(entry);
        self.length += 1;
    }

    /// Takes the newest entry that `matches` off the chain. Its position counts from the oldest one, and from zero.
    #[inline]
    fn take(&mut self, mut matches: impl FnMut(usize, Entry) -> bool) -> Option<(usize, Entry)> {
        let mut newer: Option<Entry> = None;
        for (position, entry) in (0..self.length).rev().zip(self.entries()) {
            if !matches(position, entry) {
                newer = Some(entry);
                continue;
            }
            // SAFETY: both are on the list, which its own thread alone changes, under the lock.
            unsafe {
                let older = entry.0.as_ref().older;
                match newer {
                    Some(mut newer) => newer.0.as_mut().older = older,
                    None => self.newest = older,
                }
            }
            self.length -= 1;
            return Some((position, entry));
        }
        None
    }
}

pub(crate) struct List {
    waiting: [Chain; Part::ALL.len()],
    /// Whose binary's code is building or dropping them right now. Of plugins only: nobody asks whether the host is still
    /// needed.
    active: Chain,
    pub(super) slots: Slots,
}

// SAFETY: entries are made and run by the list's thread only; other threads compare owners and read addresses.
unsafe impl Send for List {}

impl List {
    pub(super) const fn new() -> Self {
        List { waiting: [Chain::EMPTY; Part::ALL.len()], active: Chain::EMPTY, slots: Slots::new() }
    }

    /// What waits to be run.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Entry> {
        self.waiting.iter().flat_map(|chain| chain.entries())
    }

    /// What plugins are building or running.
    pub(crate) fn active(&self) -> impl Iterator<Item = Entry> {
        self.active.entries()
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.waiting[entry.part() as usize].add(entry);
    }

    /// How many entries of each part wait.
    pub(super) fn lengths(&self) -> [usize; Part::ALL.len()] {
        self.waiting.map(|chain| chain.length)
    }

    /// Takes the newest entry of `part` that `matches` off those that wait, among the first `most`, which is as far as the
    /// list went before anything was run. It is active from now on.
    #[inline]
    pub(super) fn take(&mut self, part: Part, most: &mut usize, matches: impl Fn(Entry) -> bool) -> Option<Entry> {
        let entry;
        (*most, entry) = self.waiting[part as usize].take(|position, entry| position < *most && matches(entry))?;
        if let Task::Value(owner) = entry.task() {
            self.slots.clear(owner.slot());
        }
        self.activate(entry);
        Some(entry)
    }

    /// The code of the entry's binary is about to run for it.
    pub(super) fn activate(&mut self, entry: Entry) {
        if !entry.binary().is_host {
            self.active.add(entry);
        }
    }

    /// The code of the entry's binary has run: it is on the list no more.
    pub(super) fn deactivate(&mut self, entry: Entry) {
        if !entry.binary().is_host {
            self.active.take(|_, active| active == entry);
        }
    }
}
