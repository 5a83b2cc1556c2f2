//! Running an initializer, and what runs above it on this thread.
//!
//! Each initializer that runs has a frame on the stack of its thread; the frames form a list. An item that is found on
//! its own thread's list needs itself. No lock is held, and nothing is allocated for it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::any::Any;
use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use super::entries::Entry;
use super::registry::{ItemCopy, Record};
use crate::abi::{self, Access, Status};
use crate::binary;
use crate::item::{Attempt, RawItem};

// Constant and without a destructor: process-wide items may be built until a thread's last instruction.
std::thread_local!(static TOP: Cell<*const Frame> = const { Cell::new(ptr::null()) });

struct Frame {
    record: &'static Record,
    above: *const Frame,
}

/// A thread, for as long as it runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ThreadToken(usize);

impl ThreadToken {
    pub(crate) fn current() -> Self {
        ThreadToken(TOP.with(|top| ptr::from_ref(top).addr()))
    }
}

/// The frames of this thread, the innermost first.
fn frames() -> impl Iterator<Item = &'static Record> {
    let mut frame = TOP.with(Cell::get);
    std::iter::from_fn(move || {
        // SAFETY: the frames of this thread's list are on its stack, in calls that have not returned: `build` takes each
        // off the list before it returns.
        let running = unsafe { frame.as_ref() }?;
        frame = running.above;
        Some(running.record)
    })
}

/// Whether `record` is being built on this thread already.
pub(crate) fn is_running(record: &'static Record) -> bool {
    frames().any(|running| ptr::eq(running, record))
}

/// Tells the accessor `A -> B -> A`, where `record` is being built on this thread already.
#[cold]
#[inline(never)]
pub(crate) fn tell_recursion(record: &'static Record, access: &Access) {
    let mut chain = vec![record];
    for running in frames() {
        chain.push(running);
        if ptr::eq(running, record) {
            break;
        }
    }
    let names: Vec<_> = chain.iter().rev().map(|record| format!("`{}`", record.identity())).collect();
    let message = format!("the initializer of an item needs the item itself: {}", names.join(" -> "));
    // SAFETY: the accessor's sink is usable for the whole access.
    unsafe { access.sink.write(&message) };
}

/// Whose initializer builds the value, and whose code will drop it: the host's, where it has a copy.
pub(crate) fn builder(copy: &'static ItemCopy) -> &'static ItemCopy {
    copy.record.host_copy.get().copied().unwrap_or(copy)
}

/// Builds a value of `access`'s item in `entry`, `owner` being its [`builder`], and `entry` its own from [`allocate`].
///
/// What went wrong has been told to the accessor's sink. Initializers nest in this function, so its frame is kept small.
/// They do not unwind into it: whoever runs one catches its panic.
pub(crate) fn build(owner: &'static ItemCopy, entry: Entry, access: &mut Access) -> Status {
    let frame = Frame { record: owner.record, above: TOP.with(Cell::get) };
    TOP.with(|top| top.set(&raw const frame));
    let memory = entry.value(owner);
    let status = match host_initializer(owner, access) {
        Some(item) => build_in_host(item, memory, access),
        // SAFETY: the memory is for the item's type, which verification found to be the accessor's too; the attempt is
        // the accessor's own.
        None => unsafe { (access.build)(memory.as_ptr(), access.attempt) },
    };
    TOP.with(|top| top.set(frame.above));
    status
}

/// The host's own static, if its initializer builds the value for another binary.
#[inline(never)]
fn host_initializer(owner: &'static ItemCopy, access: &Access) -> Option<&'static RawItem> {
    // SAFETY: the access has a handle of the accessor's own copy of the item.
    let accessor = unsafe { copy_of(access.item) };
    if access.given == 0 && !ptr::eq(owner, accessor) { owner.host_item() } else { None }
}

/// Builds a value with the host's own initializer, for another binary.
#[inline(never)]
fn build_in_host(item: &'static RawItem, memory: NonNull<u8>, access: &Access) -> Status {
    let mut attempt = Attempt::new(item, ptr::null_mut());
    // SAFETY: the memory is for the item's type, and the attempt is this binary's own.
    let status = unsafe { item.build()(memory.as_ptr(), (&raw mut attempt).cast::<c_void>()) };
    match attempt.payload {
        Some(payload) => tell_panic(payload, access),
        None => status,
    }
}

/// Tells the accessor what the host's initializer panicked with.
#[cold]
#[inline(never)]
fn tell_panic(payload: Box<dyn Any + Send>, access: &Access) -> Status {
    // SAFETY: the accessor's sink is usable for the whole access.
    unsafe { access.sink.write(binary::panic_message(&*payload)) };
    // A payload whose destructor panics as well is left alone: its message has been told.
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(second);
    }
    abi::PANICKED_IN_HOST
}

/// # Safety
///
/// `handle` was given out by the registry.
pub(crate) unsafe fn copy_of(handle: abi::ItemHandle) -> &'static ItemCopy {
    // SAFETY: the caller's word; copies stay for as long as their binary is registered.
    unsafe { &*handle.cast::<ItemCopy>() }
}

/// Memory for a value of the owner's type, not initialized.
pub(crate) fn allocate(owner: &'static ItemCopy) -> Entry {
    let layout = Entry::layout(owner);
    // SAFETY: the layout is not empty.
    let memory = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
    // SAFETY: allocated with this layout.
    unsafe { Entry::of_value(memory, owner) }
}

/// Frees an entry, or what was to be one, without dropping the value.
///
/// # Safety
///
/// `memory` is an entry's [`memory`](Entry::memory); the entry is on no list, and nothing uses it any more.
pub(crate) unsafe fn free((memory, layout): (NonNull<u8>, Layout)) {
    // SAFETY: allocated with this layout, in `allocate` or in a box.
    unsafe { dealloc(memory.as_ptr(), layout) }
}

/// Drops the value, and leaves its memory.
///
/// # Safety
///
/// A value of `owner` has been built in `entry`, and nothing uses it any more.
pub(crate) unsafe fn drop_value(owner: &ItemCopy, entry: Entry) {
    if let Some(drop_value) = owner.drop {
        // SAFETY: a valid value of the owner's type, which nothing uses: the caller's word.
        unsafe { drop_value(entry.value(owner).as_ptr()) };
    }
}
