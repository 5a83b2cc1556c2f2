//! An access that the hot path could not serve.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::resume_unwind;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::Acquire;

use plugin_tls_abi::table::{self, Access, Api, FindOrBuild, ItemHandle, Status};
use plugin_tls_abi::text::Sink;

use super::refusal::Refusal;
use super::{connect, own_store, state};
use crate::error::AccessErrorReason;
use crate::item::{Attempt, RawItem};

/// Finds or builds the item's value. Panics as the initializer does, and where the item needs itself.
///
/// Initializers nest in this function, so its frame is small: other functions prepare the call and deal with failures.
///
/// # Safety
///
/// `given` is null, or an `Option` of the item's type that nothing else uses during the call.
#[track_caller]
pub(crate) unsafe fn access(item: &'static RawItem, given: *mut ()) -> Result<NonNull<c_void>, Box<Refusal>> {
    let mut call = MaybeUninit::uninit();
    // SAFETY: the caller guarantees what is asked of `given`, and the call stays where it is.
    let find_or_build = unsafe { prepare(item, given, &mut call)? };
    // SAFETY:
    // - `prepare` has initialized the call.
    // - Everything that the access points to lives until this function returns, which touches none of it meanwhile.
    let status = unsafe { find_or_build(&raw mut (*call.as_mut_ptr()).access) };
    // SAFETY: `prepare` has initialized the call, and the store does not use it any more.
    unsafe { outcome(status, &mut call) }
}

/// An access while it is under way. It points into itself.
struct Call {
    attempt: Attempt,
    access: Access,
}

/// Sets up `call`. Returns the store's function to pass its access to.
///
/// # Safety
///
/// - `given` is as [`access`] asks.
/// - `call` is not moved while its access is in use.
#[inline(never)]
unsafe fn prepare(
    item: &'static RawItem,
    given: *mut (),
    call: &mut MaybeUninit<Call>,
) -> Result<FindOrBuild, Box<Refusal>> {
    let Some(store) = own_store::store() else { return Err(not_connected()) };
    let mut handle: ItemHandle = item.handle.load(Acquire);
    if handle.is_null() {
        handle = register_late(store, item)?;
    }
    let call = call.as_mut_ptr();
    // SAFETY:
    // - `call` is writable, and its attempt is written before the access that points to it.
    // - The caller guarantees that nothing else uses `given` while the attempt lives.
    unsafe {
        let attempt = &raw mut (*call).attempt;
        attempt.write(Attempt::new(item, given));
        (&raw mut (*call).access).write(Access {
            binary: state::handle(),
            item: handle,
            build: item.build(),
            attempt: attempt.cast(),
            sink: Sink::new(&mut (*attempt).message),
            value: ptr::null(),
            given: u32::from(!given.is_null()),
            reserved: 0,
        });
    }
    let function = if item.is_thread_local() { store.local } else { store.process };
    Ok(function.expect("a checked table has every function"))
}

/// What a call came to.
///
/// # Safety
///
/// [`prepare`] has set up the call, and the store does not use it any more.
#[inline(never)]
#[track_caller]
unsafe fn outcome(status: Status, call: &mut MaybeUninit<Call>) -> Result<NonNull<c_void>, Box<Refusal>> {
    // SAFETY: the caller guarantees that the call is initialized. It is read once.
    let Call { attempt, access } = unsafe { call.assume_init_read() };
    match NonNull::new(access.value.cast_mut()) {
        Some(value) if status == table::OK => Ok(value),
        _ => Err(failed(status, attempt)),
    }
}

#[cold]
#[inline(never)]
fn not_connected() -> Box<Refusal> {
    Box::new(Refusal::new(AccessErrorReason::NotConnected, String::new()))
}

/// Registers an item that was not among those that the binary had when it was connected, or that was refused then.
#[cold]
#[inline(never)]
fn register_late(store: &'static Api, item: &'static RawItem) -> Result<ItemHandle, Box<Refusal>> {
    let mut report = String::new();
    let handle = connect::register(store, state::handle(), item, &mut report);
    if handle.is_null() {
        return Err(Box::new(Refusal::new(AccessErrorReason::Rejected, report)));
    }
    Ok(handle)
}

#[cold]
#[inline(never)]
#[track_caller]
fn failed(status: Status, attempt: Attempt) -> Box<Refusal> {
    let Attempt { payload, message, .. } = attempt;
    let reason = match status {
        table::DESTROYED => AccessErrorReason::Destroyed,
        table::REJECTED => AccessErrorReason::Rejected,
        table::DRAINING => AccessErrorReason::Draining,
        table::PANICKED => resume_unwind(payload.unwrap_or_else(|| Box::new(message))),
        // The host's own payload stays there: neither its type nor its allocator need be those of this binary.
        table::PANICKED_IN_HOST => resume_unwind(Box::new(message)),
        // `RECURSION`, `POISONED`, and whatever a newer host has to say.
        _ => panic!("{message}"),
    };
    Box::new(Refusal::new(reason, message))
}
