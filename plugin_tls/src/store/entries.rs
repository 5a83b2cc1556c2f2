//! What a thread has to do before it ends, as a list.
//!
//! The list is the thread's: it alone adds entries and runs them. Others look at it, under its lock, to find out whether a
//! plugin is still needed. So an entry is on the list, or among the *active* binaries, from before the plugin's code starts
//! to build a value until after the plugin's code has dropped it.

use std::ffi::{c_uint, c_void};
use std::ptr::NonNull;

use super::registry::{Binary, ItemCopy};
use crate::abi::AtExit;

/// Something that a thread has to do before it ends, or before the owner's code goes away.
pub(crate) enum Entry {
    /// Drop a value.
    Value(Value),
    /// Call a function that the plugin's own std has registered.
    Function(Box<Function>),
    /// Call the destructor of a key that the plugin's own std has made, if the thread has a value for it.
    Key(Box<Key>),
}

/// A value of a thread.
pub(crate) struct Value {
    pub(crate) owner: &'static ItemCopy,
    pub(crate) value: NonNull<u8>,
}

pub(crate) struct Function {
    pub(crate) plugin: &'static Binary,
    pub(crate) function: AtExit,
    pub(crate) object: *mut c_void,
}

pub(crate) struct Key {
    pub(crate) plugin: &'static Binary,
    pub(crate) key: c_uint,
    pub(crate) function: AtExit,
}

// SAFETY: entries are run by the thread that made them only; other threads compare owners and read addresses.
unsafe impl Send for Entry {}

impl Entry {
    /// The binary whose code the entry needs.
    pub(crate) fn binary(&self) -> &'static Binary {
        match self {
            Entry::Value(value) => value.owner.binary,
            Entry::Function(function) => function.plugin,
            Entry::Key(key) => key.plugin,
        }
    }

    pub(super) fn part(&self) -> Part {
        match self {
            Entry::Value(value) if value.owner.drop.is_none() => Part::Values,
            Entry::Value(_) | Entry::Function(_) => Part::First,
            Entry::Key(_) => Part::Keys,
        }
    }
}

#[derive(Default)]
pub(crate) struct List {
    /// In the order of their creation.
    pub(crate) entries: Vec<Entry>,
    /// Of an ending thread: what is to be run after everything else.
    pub(crate) last: Vec<Entry>,
    /// Plugins whose code builds or drops something of this thread right now, with the item if it is one.
    pub(crate) active: Vec<(&'static Binary, Option<&'static ItemCopy>)>,
}

/// In which order entries are run: each part last created first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Values with a destructor, and functions.
    First,
    Keys,
    /// Values without a destructor.
    Values,
}

impl List {
    /// Takes the newest entry of `part` that `matches` off the list, among the first `entries` and `last`, which is as
    /// far as the list went before anything was run. It counts as active from now on.
    pub(super) fn take(
        &mut self,
        part: Part,
        entries: &mut usize,
        last: &mut usize,
        matches: impl Fn(&Entry) -> bool,
    ) -> Option<Entry> {
        let newest = |list: &[Entry]| list.iter().rposition(|entry| entry.part() == part && matches(entry));
        // What was run may have run others in turn.
        (*entries, *last) = ((*entries).min(self.entries.len()), (*last).min(self.last.len()));
        let entry = if let Some(position) = newest(&self.entries[..*entries]) {
            *entries -= 1;
            self.entries.remove(position)
        } else {
            let position = newest(&self.last[..*last])?;
            *last -= 1;
            self.last.remove(position)
        };
        self.active.extend(active(&entry));
        Some(entry)
    }
}

/// What the list of active binaries has for an entry that is about to be run.
pub(super) fn active(entry: &Entry) -> Option<(&'static Binary, Option<&'static ItemCopy>)> {
    let binary = entry.binary();
    let item = if let Entry::Value(value) = entry { Some(value.owner) } else { None };
    (!binary.is_host).then_some((binary, item))
}
