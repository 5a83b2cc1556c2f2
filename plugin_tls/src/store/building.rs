//! Running an initializer, and what runs above it on this thread.
//!
//! Each initializer that runs has a frame on the stack of its thread; the frames form a list. An item that is found on
//! its own thread's list needs itself. No lock is held, and nothing is allocated for it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use super::registry::{ItemCopy, Record};
use crate::abi::{self, Access, Status};
use crate::binary;

// Constant and without a destructor: process-wide items may be built until a thread's last instruction.
std::thread_local!(static TOP: Cell<*const Frame> = const { Cell::new(ptr::null()) });

struct Frame {
    record: &'static Record,
    above: *const Frame,
}

/// One initializer that runs on this thread; it must not be moved.
struct Running<'a>(&'a Frame);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        TOP.with(|top| top.set(self.0.above));
    }
}

/// A thread, for as long as it runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ThreadToken(usize);

impl ThreadToken {
    pub(crate) fn current() -> Self {
        ThreadToken(TOP.with(|top| ptr::from_ref(top).addr()))
    }
}

/// `A -> B -> A` if `record` is being built on this thread already.
pub(crate) fn recursion(record: &'static Record) -> Option<String> {
    let mut frame = TOP.with(Cell::get);
    let mut chain = vec![record];
    // SAFETY: the frames of this thread's list are on its stack, in calls that have not returned: `Running` takes each
    // off the list before.
    while let Some(running) = unsafe { frame.as_ref() } {
        chain.push(running.record);
        if ptr::eq(running.record, record) {
            let names: Vec<_> = chain.iter().rev().map(|record| format!("`{}`", record.identity())).collect();
            return Some(format!("the initializer of an item needs the item itself: {}", names.join(" -> ")));
        }
        frame = running.above;
    }
    None
}

/// Whose initializer builds the value, and whose code will drop it: the host's, where it has a copy.
pub(crate) fn builder(copy: &'static ItemCopy) -> &'static ItemCopy {
    copy.record.host_copy.get().copied().unwrap_or(copy)
}

/// Builds a value of `access`'s item, `owner` being its [`builder`], in memory of the host.
///
/// An error has been told to the accessor's sink.
pub(crate) fn build(owner: &'static ItemCopy, access: &mut Access) -> Result<NonNull<u8>, Status> {
    let memory = Memory::new(owner);
    let frame = Frame { record: owner.record, above: TOP.with(Cell::get) };
    TOP.with(|top| top.set(&raw const frame));
    let running = Running(&frame);
    // SAFETY: `access` is the accessor's, with a handle of its own copy of the item.
    let accessor = unsafe { copy_of(access.item) };
    let status = match owner.host_item() {
        Some(item) if access.given == 0 && !ptr::eq(owner, accessor) => {
            // SAFETY: null is allowed.
            let mut attempt = unsafe { item.attempt(ptr::null_mut()) };
            // SAFETY: the memory is for the item's type, and the attempt is this binary's own.
            let status = unsafe { item.build()(memory.0.as_ptr(), (&raw mut attempt).cast::<c_void>()) };
            match attempt.payload {
                Some(payload) => {
                    // SAFETY: the accessor's sink is usable for the whole access.
                    unsafe { access.sink.write(binary::panic_message(&*payload)) };
                    // A payload whose destructor panics as well is left alone: its message has been told.
                    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
                        std::mem::forget(second);
                    }
                    abi::PANICKED_IN_HOST
                }
                None => status,
            }
        }
        // SAFETY: the memory is for the item's type, which verification found to be the accessor's too; the attempt is
        // the accessor's own.
        _ => unsafe { (access.build)(memory.0.as_ptr(), access.attempt) },
    };
    drop(running);
    if status == abi::OK { Ok(memory.into_value()) } else { Err(status) }
}

/// # Safety
///
/// `handle` was given out by the registry.
pub(crate) unsafe fn copy_of(handle: abi::ItemHandle) -> &'static ItemCopy {
    // SAFETY: the caller's word; copies stay for as long as their binary is registered.
    unsafe { &*handle.cast::<ItemCopy>() }
}

/// Memory for a value, not initialized.
struct Memory(NonNull<u8>, Layout);

impl Memory {
    fn new(owner: &ItemCopy) -> Self {
        let layout = layout(owner);
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc(layout) };
        Memory(NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout)), layout)
    }

    fn into_value(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.0.as_ptr(), self.1) }
    }
}

/// At least one byte, so that values of types without size have addresses of their own.
fn layout(owner: &ItemCopy) -> Layout {
    Layout::from_size_align(owner.facts.size.max(1), owner.facts.align).expect("size and alignment come from a type")
}

/// Drops the value, and frees its memory.
///
/// # Safety
///
/// `value` was returned by [`build`] for `owner`, and nothing uses it any more.
pub(crate) unsafe fn destroy(owner: &ItemCopy, value: NonNull<u8>) {
    let memory = Memory(value, layout(owner));
    if let Some(drop_value) = owner.drop {
        // SAFETY: a valid value of the owner's type, which nothing uses: the caller's word.
        unsafe { drop_value(value.as_ptr()) };
    }
    drop(memory);
}
