//! This binary's way to a store: its own, or that of the host that connected it.
//!
//! | features | undecided binary on first access | `Context::initialize` |
//! |---|---|---|
//! | `host`, or none | uses its own store | refused |
//! | `plugin` | refused: not connected | connects |
//! | both | uses its own store, unless it has an `export_plugin!` | connects, unless it uses its own store by then |
//!
//! Decided once, under a lock, for the binary's whole life.

#[cfg(store)]
use std::any::Any;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::resume_unwind;
use std::ptr::{self, NonNull};
#[cfg(feature = "plugin")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicPtr;
#[cfg(feature = "plugin")]
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::{Acquire, Release};
#[cfg(feature = "plugin")]
use std::sync::{Mutex, PoisonError};

use crate::abi::{self, Access, Api, BinaryHandle, Sink};
#[cfg(feature = "plugin")]
use crate::abi::{BinaryDecl, Header, Str};
use crate::error::{AccessError, AccessErrorReason};
use crate::item::{self, Attempt, RawItem};
#[cfg(feature = "plugin")]
use crate::layout;

/// The store that this binary uses; null while undecided.
static STORE: AtomicPtr<Api> = AtomicPtr::new(ptr::null_mut());
/// The store's name for this binary.
static HANDLE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// A loader has connected this binary, which it may unmap again.
#[cfg(feature = "plugin")]
static LOADED: AtomicBool = AtomicBool::new(false);

/// Held while it is decided which store this binary uses.
#[cfg(feature = "plugin")]
static DECIDING: Mutex<()> = Mutex::new(());

/// The compiler that built this binary: see `build.rs`.
pub(crate) const COMPILER: &str = env!("PLUGIN_TLS_COMPILER");

/// This binary has an `export_plugin!`.
#[cfg(feature = "plugin")]
static EXPORTED: AtomicBool = AtomicBool::new(false);

/// The constructor of a binary with an `export_plugin!`.
#[cfg(feature = "plugin")]
pub extern "C" fn mark_exported() {
    // Relaxed: nothing depends on it but itself.
    EXPORTED.store(true, Relaxed);
}

/// Why an access was refused, in words that name the item's trouble.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: AccessError,
    /// Empty where the reason says it all.
    detail: String,
}

impl Refusal {
    fn new(reason: AccessErrorReason, detail: String) -> Self {
        Refusal { error: AccessError::new(reason), detail }
    }

    /// Panics as an access that has no other way to say it.
    #[cold]
    #[track_caller]
    pub(crate) fn panic(&self, item: &'static RawItem) -> ! {
        let path = item.path();
        let what = match self.error.reason() {
            AccessErrorReason::Destroyed => {
                "cannot access a Thread Local Storage value during or after destruction".to_owned()
            }
            _ if item.is_thread_local() => "cannot access a shared thread-local".to_owned(),
            _ => "cannot access a shared static".to_owned(),
        };
        let separator = if self.detail.is_empty() { "" } else { "\n" };
        panic!("{what}: {:?}: `{path}`: {}{separator}{}", self.error, self.error, self.detail)
    }
}

/// The store that this binary uses, which is decided now if it was not yet.
pub(crate) fn store() -> Option<&'static Api> {
    // Acquire: pairs with the Release in `decide`, which follows all that belongs to the decision.
    let store = STORE.load(Acquire);
    // SAFETY: it is null or a table that lives as long as the process (a host's, which is never unloaded while a plugin
    // is connected: see `Context::initialize`).
    unsafe { store.as_ref() }.or_else(undecided)
}

/// Uses this binary's own store from now on, unless it is a plugin.
#[cfg(store)]
#[cold]
fn undecided() -> Option<&'static Api> {
    #[cfg(feature = "plugin")]
    if EXPORTED.load(Relaxed) {
        return None;
    }
    Some(use_own())
}

#[cfg(not(store))]
#[cold]
fn undecided() -> Option<&'static Api> {
    None
}

/// Uses this binary's own store, if it is not connected to another one. Returns the store in use.
#[cfg(store)]
pub(crate) fn use_own() -> &'static Api {
    #[cfg(feature = "plugin")]
    let _deciding = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: as in `store`.
    if let Some(store) = unsafe { STORE.load(Acquire).as_ref() } {
        return store;
    }
    let own = crate::store::api::table();
    // A host is the one binary whose items are registered one by one: what is wrong with one of them is told when it is
    // accessed. Without the lock two threads may come here; registering twice gives the same handles.
    let handle = crate::store::own_binary();
    decide(own, handle.cast());
    for item in item::all() {
        let mut report = String::new();
        let _refused_until_accessed = register(own, item, &mut report);
    }
    own
}

/// Whether this binary uses its own store.
#[cfg(all(store, feature = "plugin"))]
pub(crate) fn uses_own() -> bool {
    ptr::eq(STORE.load(Acquire), crate::store::api::table())
}

/// Publishes the decision.
fn decide(store: &'static Api, handle: BinaryHandle) {
    #[cfg(feature = "plugin")]
    // SAFETY: a table's function finds the row: the contract.
    unsafe {
        crate::row::connect(store.row.expect("a checked table has every entry"), store.row_key);
    }
    // Release, both: whoever sees the store sees the handle and the way to the row.
    HANDLE.store(handle.cast_mut(), Release);
    STORE.store(ptr::from_ref(store).cast_mut(), Release);
}

/// Why [`connect`] changed nothing.
#[cfg(feature = "plugin")]
pub(crate) enum ConnectRefusal {
    OtherStore,
    Rejected(String),
}

/// Uses the store behind `api` from now on. With the same store as before: nothing to do.
///
/// # Safety
///
/// `api` is a whole table of this major version and lives as long as this binary is mapped; `load` is what the loader
/// passed, or null.
#[cfg(feature = "plugin")]
pub(crate) unsafe fn connect(api: &'static Api, load: *mut c_void) -> Result<(), ConnectRefusal> {
    let _deciding = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    let current = STORE.load(Acquire);
    if ptr::eq(current, api) {
        return Ok(());
    }
    if !current.is_null() {
        return Err(ConnectRefusal::OtherStore);
    }
    // Counted first, for the list is long and a vector that grows would be copied again and again.
    let mut decls = Vec::with_capacity(item::all().count());
    decls.extend(item::all().map(RawItem::declare));
    let mut handles = vec![ptr::null(); decls.len()];
    let mut handle = ptr::null();
    let mut report = String::new();
    let declaration = BinaryDecl {
        header: Header::of::<BinaryDecl>(),
        compiler: Str::new(COMPILER),
        layouts: Str::new(layout::LAYOUTS),
        items: decls.as_ptr(),
        item_count: decls.len(),
        address: (&raw const STORE).cast(),
        load,
    };
    let entry = api.connect.expect("a checked table has every entry");
    // SAFETY:
    // - the declaration and what it points to are alive for the call, and the texts as long as the binary;
    // - there is room for one handle per item;
    // - `report` is not borrowed.
    let status =
        unsafe { entry(&raw const declaration, &raw mut handle, handles.as_mut_ptr(), &Sink::new(&mut report)) };
    if status != abi::OK {
        return Err(ConnectRefusal::Rejected(report));
    }
    for (decl, handle) in decls.iter().zip(handles) {
        // SAFETY: what `declare` has put there, and an item is static.
        let item = unsafe { &*decl.item.cast::<RawItem>() };
        // Release: whoever sees the handle may use what the host set up for it.
        item.handle.store(handle.cast_mut(), Release);
    }
    decide(api, handle);
    // Release: see `loaded`.
    LOADED.store(!load.is_null(), Release);
    Ok(())
}

/// Forgets the store, as if it had never been: for a binary that is about to be unmapped.
///
/// # Safety
///
/// No other code of this binary runs, and no value that the store has given out is used any more.
#[cfg(feature = "plugin")]
pub(crate) unsafe fn disconnect() {
    let _deciding = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    STORE.store(ptr::null_mut(), Release);
    HANDLE.store(ptr::null_mut(), Release);
    LOADED.store(false, Release);
    crate::row::disconnect();
    item::all().for_each(RawItem::forget);
}

/// The store and its name for this binary, if a loader has connected it: then what this binary leaves on threads goes to
/// the store.
#[cfg(feature = "plugin")]
pub(crate) fn loaded() -> Option<(&'static Api, BinaryHandle)> {
    // Acquire: pairs with the Release in `connect`, which follows the decision.
    if !LOADED.load(Acquire) {
        return None;
    }
    // SAFETY: as in `store`.
    let store = unsafe { STORE.load(Acquire).as_ref() }?;
    Some((store, HANDLE.load(Acquire)))
}

/// Registers an item with the store in use: its handle, or null with a report of why it was refused.
#[cold]
fn register(store: &'static Api, item: &'static RawItem, report: &mut String) -> abi::ItemHandle {
    let declaration = item.declare();
    let mut handle = ptr::null();
    let entry = store.register.expect("a checked table has every entry");
    // Acquire: pairs with `decide`.
    let binary = HANDLE.load(Acquire);
    // SAFETY: the declaration is alive for the call, its texts as long as the binary; `report` is not borrowed.
    let status = unsafe { entry(binary, &raw const declaration, &raw mut handle, &Sink::new(report)) };
    if status != abi::OK {
        return ptr::null();
    }
    // Release: as in `connect`.
    item.handle.store(handle.cast_mut(), Release);
    handle
}

/// Finds or builds the item's value. Panics as the initializer does, and where the item needs itself.
///
/// Initializers nest in this function, so its frame is kept small: what can go wrong is dealt with elsewhere.
///
/// # Safety
///
/// `given` is null or an `Option` of the item's type that nothing else uses meanwhile.
#[track_caller]
pub(crate) unsafe fn access(item: &'static RawItem, given: *mut ()) -> Result<NonNull<c_void>, Box<Refusal>> {
    let mut call = MaybeUninit::uninit();
    // SAFETY: the caller's word; the call is not moved.
    let entry = unsafe { prepare(item, given, &mut call)? };
    // SAFETY:
    // - `prepare` has initialized the call;
    // - everything that the access points to is alive for the call, and this function touches none of it meanwhile.
    let status = unsafe { entry(&raw mut (*call.as_mut_ptr()).access) };
    // SAFETY: as above; this is the end of it.
    unsafe { finish(status, &mut call) }
}

/// An access while it is under way. It points into itself.
struct Call {
    attempt: Attempt,
    access: Access,
}

/// Sets up `call`, which must not be moved from now on: the store's entry to pass its access to.
///
/// # Safety
///
/// As [`access`].
#[inline(never)]
unsafe fn prepare(
    item: &'static RawItem,
    given: *mut (),
    call: &mut MaybeUninit<Call>,
) -> Result<unsafe extern "C" fn(access: *mut Access) -> abi::Status, Box<Refusal>> {
    let Some(store) = store() else { return Err(not_connected()) };
    let mut handle: abi::ItemHandle = item.handle.load(Acquire);
    if handle.is_null() {
        handle = register_late(store, item)?;
    }
    let call = call.as_mut_ptr();
    // SAFETY: `call` is writable; its access points to its attempt, which is written first.
    unsafe {
        let attempt = &raw mut (*call).attempt;
        attempt.write(Attempt::new(item, given));
        (&raw mut (*call).access).write(Access {
            item: handle,
            build: item.build(),
            attempt: attempt.cast(),
            sink: Sink::new(&mut (*attempt).message),
            value: ptr::null(),
            given: u32::from(!given.is_null()),
            reserved: 0,
        });
    }
    let entry = if item.is_thread_local() { store.local } else { store.process };
    Ok(entry.expect("a checked table has every entry"))
}

/// What a call came to.
///
/// # Safety
///
/// The call was set up by [`prepare`] and is not used any more.
#[inline(never)]
#[track_caller]
unsafe fn finish(status: abi::Status, call: &mut MaybeUninit<Call>) -> Result<NonNull<c_void>, Box<Refusal>> {
    // SAFETY: the caller's word.
    let Call { attempt, access } = unsafe { call.assume_init_read() };
    match NonNull::new(access.value.cast_mut()) {
        Some(value) if status == abi::OK => Ok(value),
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
fn register_late(store: &'static Api, item: &'static RawItem) -> Result<abi::ItemHandle, Box<Refusal>> {
    let mut report = String::new();
    let handle = register(store, item, &mut report);
    if handle.is_null() {
        return Err(Box::new(Refusal::new(AccessErrorReason::Rejected, report)));
    }
    Ok(handle)
}

#[cold]
#[inline(never)]
#[track_caller]
fn failed(status: abi::Status, attempt: Attempt) -> Box<Refusal> {
    let Attempt { payload, message, .. } = attempt;
    let reason = match status {
        abi::DESTROYED => AccessErrorReason::Destroyed,
        abi::REJECTED => AccessErrorReason::Rejected,
        abi::DRAINING => AccessErrorReason::Draining,
        abi::PANICKED => resume_unwind(payload.unwrap_or_else(|| Box::new(message))),
        // The host's own payload stays there: neither its type nor its allocator need be ours.
        abi::PANICKED_IN_HOST => resume_unwind(Box::new(message)),
        // `RECURSION`, `POISONED`, and whatever a newer host has to say.
        _ => panic!("{message}"),
    };
    Box::new(Refusal::new(reason, message))
}

/// What a panic said, if it said it in words.
#[cfg(store)]
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("the initializer panicked in the host with a payload that is not text")
}
