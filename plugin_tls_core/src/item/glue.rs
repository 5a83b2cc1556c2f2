//! Building and dropping values of one type, for this binary and for the host.

use std::any::{Any, TypeId, type_name};
use std::ffi::c_void;
use std::io::Write;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use plugin_tls_abi::table::{OK, PANICKED, PANICKED_IN_HOST, Status};
use plugin_tls_abi::text::Sink;

use super::raw::{Item, Layout, RawItem, TypeDescription};
use crate::shape::{Found, bytes_of};

/// Describes the type of `I`, with what probes have found for it.
pub(super) fn describe_type<I: Item, L: Layout<I::Value>, S: Found<I::Value>>() -> TypeDescription {
    TypeDescription {
        kind: I::KIND,
        size: size_of::<I::Value>(),
        align: align_of::<I::Value>(),
        option_size: size_of::<Option<I::Value>>(),
        type_id: bytes_of(TypeId::of::<I::Value>()),
        type_name: type_name::<I::Value>(),
        layout: L::layout(),
        shape: S::WRITE,
        build: build::<I::Value>,
        drop: if mem::needs_drop::<I::Value>() { Some(drop_value::<I::Value>) } else { None },
    }
}

/// One try to build a value in this binary. The host passes it through to [`Build`](plugin_tls_abi::table::Build).
pub(crate) struct Attempt {
    initializer: fn(),
    /// An `Option<T>` to take the value from; null to call the initializer.
    given: *mut (),
    /// What the initializer panicked with. It never leaves the binary.
    pub(crate) payload: Option<Box<dyn Any + Send>>,
    /// What the store says if there is no value.
    pub(crate) message: String,
}

impl Attempt {
    /// # Safety
    ///
    /// `given` is null, or an `Option` of the item's type that nothing else uses while the attempt lives.
    pub(crate) unsafe fn new(item: &RawItem, given: *mut ()) -> Self {
        Attempt { initializer: item.initializer(), given, payload: None, message: String::new() }
    }
}

/// [`Build`](plugin_tls_abi::table::Build) for the type `T`.
///
/// # Safety
///
/// - `destination` is writable, and has the size and alignment of `T`.
/// - `attempt` is an [`Attempt`] for an item of this binary whose type is `T`, and nothing else uses it.
unsafe extern "C" fn build<T>(destination: *mut u8, attempt: *mut c_void) -> Status {
    // SAFETY: the caller guarantees that it is an `Attempt`, and that nothing else uses it.
    let attempt = unsafe { &mut *attempt.cast::<Attempt>() };
    let (initializer, given) = (attempt.initializer, attempt.given.cast::<Option<T>>());
    // Unwind safe: nothing that the initializer may leave half-done is of this crate, and the panic goes on.
    let built = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller of `Attempt::new` guarantees that `given` is null, or an `Option` of the item's type that
        // nothing else uses. That type is `T`.
        if let Some(value) = unsafe { given.as_mut() }.and_then(Option::take) {
            return value;
        }
        // SAFETY: the initializer of an item of type `T` is a `fn() -> T`: see `raw::describe`.
        let initializer = unsafe { mem::transmute::<fn(), fn() -> T>(initializer) };
        initializer()
    }));
    match built {
        Ok(value) => {
            // SAFETY: the caller guarantees that `destination` is writable and fits `T`.
            unsafe { destination.cast::<T>().write(value) };
            OK
        }
        Err(payload) => {
            attempt.payload = Some(payload);
            PANICKED
        }
    }
}

/// Builds a value with this binary's own initializer, for another binary: see
/// [`Initialize`](plugin_tls_abi::table::Initialize).
///
/// # Safety
///
/// - `item` is a `RawItem` of this binary, which its constructor has described.
/// - `destination` is writable, and has the size and alignment of the item's type.
/// - `report` is a usable sink.
pub(crate) unsafe extern "C" fn initialize(item: *const c_void, destination: *mut u8, report: *const Sink) -> Status {
    // SAFETY: the caller guarantees that it is a `RawItem`. Those are statics.
    let item: &'static RawItem = unsafe { &*item.cast::<RawItem>() };
    // SAFETY: no value is given.
    let mut attempt = unsafe { Attempt::new(item, ptr::null_mut()) };
    // SAFETY: the destination fits the item's type, as the caller guarantees, and the attempt is for this item and is
    // used by this call alone.
    let status = unsafe { item.build()(destination, (&raw mut attempt).cast::<c_void>()) };
    match attempt.payload {
        // SAFETY: the caller guarantees that the sink is usable.
        Some(payload) => unsafe { tell_panic(payload, &*report) },
        None => status,
    }
}

/// Writes what an initializer panicked with to `report`.
///
/// # Safety
///
/// `report` is a usable sink.
#[cold]
#[inline(never)]
unsafe fn tell_panic(payload: Box<dyn Any + Send>, report: &Sink) -> Status {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("the initializer panicked in the host with a payload that is not text");
    // SAFETY: the caller guarantees that the sink is usable.
    unsafe { report.write(message) };
    // The destructor of a payload may panic as well. That second payload is leaked.
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        mem::forget(second);
    }
    PANICKED_IN_HOST
}

/// [`DropValue`](plugin_tls_abi::table::DropValue) for the type `T`.
///
/// # Safety
///
/// - `value` is a valid `T` that nothing uses any more.
/// - `item` is the `RawItem` of this binary that the value belongs to.
unsafe extern "C" fn drop_value<T>(value: *mut u8, item: *const c_void) {
    // The panic is caught and not left to a guard: where nothing catches it, fat LTO makes the unwinder end the process
    // before the guard could say which item it was.
    // Unwind safe: the process ends.
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller guarantees that it is a valid `T`, and that nothing uses it any more.
        unsafe { value.cast::<T>().drop_in_place() }
    }));
    if dropped.is_err() {
        // SAFETY: the caller guarantees that it is a `RawItem`.
        abort_in_destructor(unsafe { &*item.cast::<RawItem>() })
    }
}

/// Ends the process as std does where the destructor of a thread-local panics.
#[cold]
fn abort_in_destructor(item: &RawItem) -> ! {
    let kind = if item.is_thread_local() { "thread local" } else { "static" };
    let path = item.path();
    // Not `eprintln!`, which panics if standard error is closed.
    let _written = writeln!(std::io::stderr(), "fatal runtime error: {kind} `{path}` panicked on drop, aborting");
    std::process::abort()
}
