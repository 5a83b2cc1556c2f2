//! Thread-local values: the accesses that the hot path could not serve.

use super::REGISTRY;
use super::building::{self, copy_of};
use super::threads::{self, Building, Draining};
use crate::abi::{self, Access, Status};
use crate::row;

/// The calling thread's value: the one that is there, or a new one.
pub(crate) fn find_or_build(access: &mut Access) -> Status {
    match present_or_begin(access) {
        Ok(building) => {
            let (owner, entry) = building.place();
            let status = building::build(owner, entry, access);
            building.finish(status, access);
            status
        }
        Err(status) => status,
    }
}

/// Finds the value, or says that its owner's code is about to build it. A function of its own, so that it takes no room on
/// the stack while initializers nest.
#[inline(never)]
fn present_or_begin(access: &mut Access) -> Result<Building, Status> {
    // SAFETY: the accessor's handle.
    let copy = unsafe { copy_of(access.item) };
    let record = copy.record;
    let slot = REGISTRY.slot_of(record);
    if let Some(present) = row::own::value(slot) {
        access.value = present.as_ptr().cast();
        return Err(abi::OK);
    }
    let thread = threads::current().ok_or(abi::DESTROYED)?;
    // SAFETY: used in this function only.
    if unsafe { thread.as_ref() }.is_dropped(slot) {
        return Err(abi::DESTROYED);
    }
    if building::is_running(record) {
        building::tell_recursion(record, access);
        return Err(abi::RECURSION);
    }
    // SAFETY: the access returns to other code only after the value has been built.
    unsafe { Building::begin(thread, building::builder(copy)) }.map_err(|Draining| abi::DRAINING)
}
