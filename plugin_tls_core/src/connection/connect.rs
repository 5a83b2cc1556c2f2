//! The handshake with a store: checking its table, registering this binary and its items.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::Ordering::Release;

use plugin_tls_abi::header::{Header, HeaderError, MAJOR};
use plugin_tls_abi::table::{Api, BinaryDescriptor, BinaryHandle, ItemDescriptor, ItemHandle, OK};
use plugin_tls_abi::text::{Sink, Str};

use super::{allocator, state};
use crate::error::ConnectError;
use crate::item::{self, RawItem};

/// The compiler that built this binary: see `build.rs`.
const COMPILER: &str = env!("PLUGIN_TLS_COMPILER");

/// This binary with `items`, as a store gets to see it.
pub(super) fn descriptor(items: &[ItemDescriptor], load: *mut c_void) -> BinaryDescriptor {
    BinaryDescriptor {
        header: Header::of::<BinaryDescriptor>(),
        compiler: Str::new(COMPILER),
        items: items.as_ptr(),
        item_count: items.len(),
        address: state::address(),
        load,
        initialize: Some(item::initialize),
        describe_build: Some(item::describe_build),
        register_rest: None,
        allocator: allocator::in_use(),
    }
}

/// The table at `table`, if this binary can work with it. Reads no more than what it has found to be there.
///
/// # Safety
///
/// The pointer is null, or it points at a table that lives as long as this binary is mapped, or at a header's worth of
/// readable memory.
unsafe fn check(table: *const c_void) -> Result<&'static Api, ConnectError> {
    if table.is_null() {
        return Err(ConnectError::Null);
    }
    // SAFETY: the caller guarantees that at least a header is readable. Nothing is known of its alignment.
    let header = unsafe { table.cast::<Header>().read_unaligned() };
    header.check::<Api>().map_err(|error| match error {
        HeaderError::Magic(magic) => ConnectError::NotAContext { magic },
        HeaderError::Major(host) => ConnectError::AbiMajor { host, plugin: MAJOR },
        HeaderError::Size { found, needed } => ConnectError::Truncated { found, needed },
    })?;
    if table.addr() % align_of::<Api>() != 0 {
        return Err(ConnectError::NotAContext { magic: header.magic });
    }
    // SAFETY: the header says that it is a table, at least as long as `Api`; it is aligned, and never written after it was
    // made. All of its words are valid for the fields: numbers, addresses, and functions that may be null.
    let api = unsafe { &*table.cast::<Api>() };
    let entries = [
        ("row", api.row.is_some()),
        ("connect", api.connect.is_some()),
        ("register", api.register.is_some()),
        ("local", api.local.is_some()),
        ("process", api.process.is_some()),
    ];
    match entries.iter().find(|(_, there)| !there) {
        Some((entry, _)) => Err(ConnectError::MissingEntry { entry }),
        None => Ok(api),
    }
}

/// Uses the store behind `table` from now on, and registers this binary with all of its items. With the same store as
/// before there is nothing to do.
///
/// # Errors
///
/// [`ConnectError`], with nothing changed.
///
/// # Safety
///
/// - As [`Context::initialize`](super::Context::initialize): `table` comes from a context, or points at memory that does not
///   look like a table.
/// - `load` is null, or what the loader that calls this wants back in [`BinaryDescriptor::load`].
pub unsafe fn initialize_for(table: *const c_void, load: *mut c_void) -> Result<(), ConnectError> {
    // SAFETY: the caller guarantees that it is a table that lives long enough, or readable memory.
    let api = unsafe { check(table)? };
    let deciding = state::deciding();
    if let Some(current) = state::current() {
        return match ptr::eq(current, api) {
            true => Ok(()),
            false if state::is_host() => Err(ConnectError::UsedLocally),
            false => Err(ConnectError::OtherHost),
        };
    }
    // Counted first, because the list is long and a vector that grows would be copied again and again.
    let mut items = Vec::with_capacity(item::all().count());
    items.extend(item::all().map(RawItem::descriptor));
    let mut handles = vec![ptr::null(); items.len()];
    let mut handle = ptr::null();
    let mut report = String::new();
    let binary = descriptor(&items, load);
    let connect = api.connect.expect("a checked table has every function");
    // SAFETY:
    // - The descriptor and what it points to are valid for the call, and the texts live as long as the binary.
    // - There is room for one handle per item.
    // - `report` is not borrowed while the sink is used.
    let status = unsafe {
        connect(api.store, &raw const binary, &raw mut handle, handles.as_mut_ptr(), &Sink::new(&mut report))
    };
    if status != OK {
        return Err(ConnectError::Rejected { report });
    }
    for (descriptor, handle) in items.iter().zip(handles) {
        // SAFETY: `RawItem::descriptor` put the address of a static there.
        let item = unsafe { &*descriptor.item.cast::<RawItem>() };
        item.handle.store(handle.cast_mut(), Release);
    }
    state::decide(&deciding, api, handle, false);
    if !load.is_null() {
        state::set_loaded(&deciding);
    }
    Ok(())
}

/// Drops all knowledge of the store, for a binary that is about to be unmapped.
///
/// # Safety
///
/// No other code of this binary runs, and nothing uses a value that the store has given out to it.
pub unsafe fn disconnect() {
    let deciding = state::deciding();
    state::undecide(&deciding);
    item::all().for_each(RawItem::disconnect);
}

/// Registers an item: its handle, or null with a report of why it was refused.
pub(super) fn register(
    store: &'static Api,
    binary: BinaryHandle,
    item: &'static RawItem,
    report: &mut String,
) -> ItemHandle {
    let descriptor = item.descriptor();
    let mut handle = ptr::null();
    let register = store.register.expect("a checked table has every function");
    // SAFETY:
    // - `binary` is the store's handle of this binary.
    // - The descriptor is valid for the call, and its texts live as long as the binary.
    // - `handle` is writable, and `report` is not borrowed while the sink is used.
    let status = unsafe { register(binary, &raw const descriptor, &raw mut handle, &Sink::new(report)) };
    if status != OK {
        return ptr::null();
    }
    item.handle.store(handle.cast_mut(), Release);
    handle
}
