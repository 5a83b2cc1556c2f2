//! Thread-local values: the accesses that the hot path could not serve.

use super::building::{self, copy_of};
use super::threads;
use crate::abi::{self, Access, Status};
use crate::row::{self, Row};

/// The calling thread's value: the one that is there, or a new one.
pub(crate) fn find_or_build(access: &mut Access) -> Status {
    // SAFETY: the accessor's handle.
    let copy = unsafe { copy_of(access.item) };
    let record = copy.record;
    // SAFETY: it is the calling thread's row.
    let present = unsafe { Row::value((*row::own::cell()).0.get(), record.index) };
    if !present.is_null() {
        access.value = present.cast();
        return abi::OK;
    }
    let outcome = threads::with_current(|thread| {
        if thread.is_dropped(record.index) {
            return abi::DESTROYED;
        }
        if let Some(chain) = building::recursion(record) {
            // SAFETY: the accessor's sink is usable for the whole access.
            unsafe { access.sink.write(&chain) };
            return abi::RECURSION;
        }
        let owner = building::builder(copy);
        let Ok(building) = thread.begin(owner) else { return abi::DRAINING };
        match building::build(owner, access) {
            Ok(value) => {
                building.finish(value);
                access.value = value.as_ptr().cast_const().cast();
                abi::OK
            }
            Err(status) => status,
        }
    });
    outcome.unwrap_or(abi::DESTROYED)
}
