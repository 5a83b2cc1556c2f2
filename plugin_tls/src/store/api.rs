//! The store behind the binary contract: the table, and one thin shim per entry.

use std::sync::OnceLock;
use std::{ptr, slice};

use super::registry::Binary;
use super::verify::{self, Mismatch};
use super::{REGISTRY, exit, image, local, process};
use crate::abi::{self, Access, Api, BinaryDecl, BinaryHandle, Header, ItemDecl, ItemHandle, Sink, Status};
use crate::row;

/// What the loader wants to know of the connection that it makes a plugin ask for: [`BinaryDecl::load`].
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// The plugin's name, for people.
    pub(crate) name: String,
    /// See [`Binary::trusted`].
    pub(crate) trusted: bool,
    /// Out: the plugin.
    pub(crate) binary: Option<&'static Binary>,
    /// Out: why the store refused.
    pub(crate) mismatches: Vec<Mismatch>,
}

/// The table of this binary's store.
pub(crate) fn table() -> &'static Api {
    static TABLE: OnceLock<Api> = OnceLock::new();
    TABLE.get_or_init(|| {
        let (row, row_key) = row::own::finder();
        Api {
            header: Header::of::<Api>(),
            row: Some(row),
            row_key,
            reserved: 0,
            connect: Some(connect),
            register: Some(register),
            local: Some(local),
            process: Some(process),
            takeover: exit::TAKEOVER,
        }
    })
}

/// See [`Api::connect`].
///
/// # Safety
///
/// - `binary` is a declaration that is valid for the call, its texts for as long as its binary is mapped, and its
///   `load` is null or a [`Load`] that nothing else uses;
/// - `handle` is writable, and so is `items` for as many handles as the binary has items;
/// - `report` is a usable sink.
unsafe extern "C" fn connect(
    binary: *const BinaryDecl,
    handle: *mut BinaryHandle,
    items: *mut ItemHandle,
    report: *const Sink,
) -> Status {
    // SAFETY: the caller's word, for all of them.
    let (decl, report) = unsafe { (&*binary, &*report) };
    if decl.header.magic != abi::MAGIC || decl.header.major != abi::MAJOR {
        let (found, own) = (decl.header.major, abi::MAJOR);
        let text = format!("the plugin speaks version {found} of the binary contract, the host version {own}");
        // SAFETY: the sink is usable.
        unsafe { report.write(&text) };
        return abi::REJECTED;
    }
    // SAFETY: as above.
    let (load, compiler, layouts) =
        unsafe { (decl.load.cast::<Load>().as_mut(), decl.compiler.get(), decl.layouts.get()) };
    let (decls, handles): (&[ItemDecl], &mut [_]) = match decl.item_count {
        0 => (&[], &mut []),
        // SAFETY: as above; handles need not be initialized.
        count => unsafe { (slice::from_raw_parts(decl.items, count), slice::from_raw_parts_mut(items.cast(), count)) },
    };
    let by_hand = || {
        let file = image::file_of(decl.address)?;
        Some(file.file_name()?.to_string_lossy().into_owned())
    };
    let name = match &load {
        Some(load) => load.name.clone(),
        None => by_hand().unwrap_or_else(|| "a plugin".to_owned()),
    };
    let trusted = load.as_ref().is_some_and(|load| load.trusted);
    let new = Binary::new(name, compiler, layouts, false, trusted);
    let new: &'static Binary = Box::leak(Box::new(new));
    match REGISTRY.register(new, decls, handles) {
        Ok(()) => {
            // SAFETY: the handle is writable.
            unsafe { *handle = ptr::from_ref(new).cast() };
            if let Some(load) = load {
                load.binary = Some(new);
            }
            abi::OK
        }
        Err(mismatches) => {
            // SAFETY: the sink is usable.
            unsafe { report.write(&verify::report(&mismatches)) };
            if let Some(load) = load {
                load.mismatches = mismatches;
            }
            // SAFETY: made by `Box::leak` above, and nothing has been registered with it.
            drop(unsafe { Box::from_raw(ptr::from_ref(new).cast_mut()) });
            abi::REJECTED
        }
    }
}

/// See [`Api::register`].
///
/// # Safety
///
/// - `binary` was given out by [`connect`], or is the host itself;
/// - `item` is valid for the call, its texts for as long as its binary is mapped;
/// - `handle` is writable, `report` a usable sink.
unsafe extern "C" fn register(
    binary: BinaryHandle,
    item: *const ItemDecl,
    handle: *mut ItemHandle,
    report: *const Sink,
) -> Status {
    // SAFETY: the caller's word; a binary stays for as long as it is registered, and its code runs.
    let (binary, item, report) = unsafe { (&*binary.cast::<Binary>(), &*item, &*report) };
    // SAFETY: as above; a handle need not be initialized.
    let handle = unsafe { &mut *handle.cast() };
    match REGISTRY.register(binary, slice::from_ref(item), slice::from_mut(handle)) {
        Ok(()) => abi::OK,
        Err(mismatches) => {
            // SAFETY: the sink is usable.
            unsafe { report.write(&verify::report(&mismatches)) };
            abi::REJECTED
        }
    }
}

/// See [`Api::local`].
///
/// # Safety
///
/// `access` is valid for the call, its handle was given out by this store for an item of this kind, and its `build`
/// builds a value of that item.
unsafe extern "C" fn local(access: *mut Access) -> Status {
    // SAFETY: the caller's word.
    local::find_or_build(unsafe { &mut *access })
}

/// See [`Api::process`].
///
/// # Safety
///
/// As [`local`].
unsafe extern "C" fn process(access: *mut Access) -> Status {
    // SAFETY: the caller's word.
    process::find_or_build(unsafe { &mut *access })
}
