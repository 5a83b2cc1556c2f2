//! Running an initializer, and what runs above it on this thread.
//!
//! Each initializer that runs has a frame on the stack of its thread, and the frames form a list. An item that is found on
//! its own thread's list needs itself. No lock is held, and nothing is allocated for it.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use plugin_tls_abi::table::{Access, ItemHandle, RECURSION, Status};

use crate::records::{ItemCopy, Record};

// Constant and without a destructor: process-wide items may be built until a thread's last instruction.
std::thread_local!(static INNERMOST: Cell<*const Frame> = const { Cell::new(ptr::null()) });

struct Frame {
    record: &'static Record,
    outer: *const Frame,
}

/// The items whose initializers run on this thread, the innermost first.
fn running() -> impl Iterator<Item = &'static Record> {
    let mut frame = INNERMOST.with(Cell::get);
    std::iter::from_fn(move || {
        // SAFETY: the frames of this thread's list are on its stack, in calls that have not returned: `run` takes each off
        // the list before it returns.
        let running = unsafe { frame.as_ref() }?;
        frame = running.outer;
        Some(running.record)
    })
}

/// Whether the initializer of `record` runs on this thread already.
pub(super) fn is_running(record: &'static Record) -> bool {
    running().any(|running| ptr::eq(running, record))
}

/// Tells the accessor `A -> B -> A`, where the initializer of `record` runs on this thread already.
#[cold]
#[inline(never)]
pub(super) fn refuse_recursion(record: &'static Record, access: &Access) -> Status {
    let mut chain = vec![record];
    for running in running() {
        chain.push(running);
        if ptr::eq(running, record) {
            break;
        }
    }
    let names: Vec<_> = chain.iter().rev().map(|record| format!("`{}`", record.identity)).collect();
    let message = format!("the initializer of an item needs the item itself: {}", names.join(" -> "));
    refuse(access, RECURSION, &message)
}

/// Tells the accessor why there is no value.
pub(super) fn refuse(access: &Access, status: Status, message: &str) -> Status {
    // SAFETY: the accessor's sink is usable for the whole access.
    unsafe { access.sink.write(message) };
    status
}

/// The copy that an accessor names.
///
/// # Safety
///
/// `handle` was given out by the registry, and its binary is registered.
pub(super) unsafe fn copy_of(handle: ItemHandle) -> &'static ItemCopy {
    // SAFETY: handles are addresses of copies, which stay for as long as their binary is registered.
    unsafe { &*handle.cast::<ItemCopy>() }
}

/// Builds a value of `access`'s item at `destination`. `owner` is the copy that the value will belong to.
///
/// The accessor's sink has been told what went wrong. Initializers nest in this function, so its frame is small. They do
/// not unwind into it: the glue that calls one catches its panic.
///
/// # Safety
///
/// - `destination` is writable, and has the size and alignment of the owner's type.
/// - `owner` is the owner of the access's copy, and the access is valid.
pub(super) unsafe fn run(owner: &'static ItemCopy, destination: NonNull<u8>, access: &mut Access) -> Status {
    let frame = Frame { record: owner.record, outer: INNERMOST.with(Cell::get) };
    INNERMOST.with(|innermost| innermost.set(&raw const frame));
    let of_accessor = ptr::eq(owner, access.item.cast::<ItemCopy>());
    let status = match owner.binary.initialize {
        // The host's own initializer builds the value for another binary, unless that one has brought a value.
        Some(initialize) if !of_accessor && access.given == 0 => {
            // SAFETY: the function and the item are of the owner's binary, the destination fits its type, and the
            // accessor's sink is usable.
            unsafe { initialize(owner.item, destination.as_ptr(), &raw const access.sink) }
        }
        // SAFETY: the destination fits the owner's type, which verification found to be the accessor's too. The attempt is
        // the accessor's own.
        _ => unsafe { (access.build)(destination.as_ptr(), access.attempt) },
    };
    INNERMOST.with(|innermost| innermost.set(frame.outer));
    status
}
