//! Thread-local values: the accesses that the hot path could not serve.

use plugin_tls_abi::table::{Access, DESTROYED, DRAINING, OK, Status};

use super::running;
use crate::registry::Registry;
use crate::threads::Threads;
use crate::threads::current::{Draining, PendingValue};

/// The calling thread's value: the one that is there, or a new one.
///
/// # Safety
///
/// The access is valid: its handle was given out by this store for a thread-local item, and its `build` builds a value of
/// that item.
pub(crate) unsafe fn find_or_build(registry: &Registry, threads: &'static Threads, access: &mut Access) -> Status {
    // SAFETY: the caller guarantees that the access is valid.
    match unsafe { find_or_begin(registry, threads, access) } {
        Ok(pending) => {
            let (owner, place) = pending.place();
            // SAFETY:
            // - The place is room for a value of the owner's type.
            // - The owner is that of the access's copy, and the caller guarantees that the access is valid.
            let status = unsafe { running::run(owner, place, access) };
            // SAFETY: with the status `OK`, the initializer has built the value.
            unsafe { pending.settle(status, access) };
            status
        }
        Err(status) => status,
    }
}

/// Finds the value, or announces that its owner's code is about to build it. A function of its own, so that it takes no
/// room on the stack while initializers nest.
///
/// # Safety
///
/// As [`find_or_build`], which settles the value.
#[inline(never)]
unsafe fn find_or_begin(
    registry: &Registry,
    threads: &'static Threads,
    access: &mut Access,
) -> Result<PendingValue, Status> {
    // SAFETY: the caller guarantees that the handle was given out by this store. The accessor's code runs, so its binary is
    // registered.
    let copy = unsafe { running::copy_of(access.item) };
    let record = copy.record;
    let slot = registry.slot_of(record);
    if let Some(present) = threads.slots.value(slot) {
        access.value = present.as_ptr().cast();
        return Err(OK);
    }
    let current = threads.current().ok_or(DESTROYED)?;
    // SAFETY: it is the calling thread's record, which is there until the thread ends.
    if unsafe { current.as_ref() }.is_dropped(slot) {
        return Err(DESTROYED);
    }
    if running::is_running(record) {
        return Err(running::refuse_recursion(record, access));
    }
    // SAFETY: `find_or_build` settles the value before it returns, so before the thread ends.
    unsafe { PendingValue::begin(threads, current, copy.owner()) }.map_err(|Draining| DRAINING)
}
