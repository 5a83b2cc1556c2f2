//! The store behind the binary contract: the table, and one thin shim for each function of it.

use std::ffi::c_void;
use std::{ptr, slice};

use plugin_tls_abi::header::{Header, HeaderError, MAJOR};
use plugin_tls_abi::sys::image;
use plugin_tls_abi::table::{
    Access, Api, BinaryDescriptor, BinaryHandle, ItemDescriptor, ItemHandle, OK, REJECTED, Status, StoreHandle,
};
use plugin_tls_abi::text::Sink;

use crate::allocator;
use crate::mismatch::{self, Mismatch};
use crate::records::{Binary, NewBinary, Trust};
use crate::registry::Handles;
use crate::store::{Connected, Store, store};
use crate::takeover;

/// What a loader wants to know of the connection that it makes a plugin ask for:
/// [`BinaryDescriptor::load`](plugin_tls_abi::table::BinaryDescriptor::load).
#[derive(Debug, Default)]
pub struct Load {
    /// The plugin's name, for people.
    pub name: String,
    /// What the host accepts without proof.
    pub trust: Trust,
    /// Out: the plugin.
    pub connected: Option<&'static Connected>,
    /// Out: why the store refused.
    pub mismatches: Vec<Mismatch>,
    /// Out: the store refused because the plugin has another allocator than the host.
    pub other_allocator: bool,
}

impl Store {
    /// The table of this store.
    pub fn table(&'static self) -> &'static Api {
        self.table.get_or_init(|| {
            let (row, row_key) = self.locals.slots().finder();
            Api {
                header: Header::of::<Api>(),
                store: ptr::from_ref(self).cast(),
                row: Some(row),
                row_key,
                reserved: 0,
                connect: Some(connect),
                register: Some(register),
                local: Some(local),
                process: Some(process),
                takeover: takeover::TAKEOVER,
            }
        })
    }

    /// Connects the binary that the store is part of. Its items are registered later, one by one.
    fn connect_host(&'static self, host: &BinaryDescriptor, compiler: &str) -> &'static Connected {
        self.host.get_or_init(|| {
            allocator::forwarded_to(host.allocator);
            // The binary may be a library; where the system does not tell its file, it is taken to be the executable.
            let file = image::file_of(host.address).or_else(|| std::env::current_exe().ok());
            let name = file.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            if let Some(register_rest) = host.register_rest {
                // The first one to set it: `host` is set once.
                let _first = self.register_rest.set(register_rest);
            }
            self.connected(NewBinary {
                name: name.unwrap_or_default(),
                compiler: compiler.to_owned(),
                is_host: true,
                trust: Trust::Nothing,
                address: host.address.addr(),
                initialize: host.initialize,
                describe_build: host.describe_build,
            })
        })
    }

    fn connected(&'static self, new: NewBinary) -> &'static Connected {
        let binary = Box::leak(Box::new(Binary::new(new)));
        Box::leak(Box::new(Connected { binary, store: self }))
    }
}

/// [`OwnStore`](plugin_tls_abi::table::OwnStore) of this binary's store.
///
/// # Safety
///
/// - `host` is a descriptor of this binary without items, whose text is alive for the call.
/// - `handle` is writable.
pub unsafe extern "C" fn own_store(host: *const BinaryDescriptor, handle: *mut BinaryHandle) -> *const Api {
    // SAFETY: the caller guarantees that the descriptor is valid for the call, and its text as well.
    let connected = unsafe { store().connect_host(&*host, (*host).compiler.get()) };
    // SAFETY: the caller guarantees that it is writable.
    unsafe { *handle = ptr::from_ref(connected).cast() };
    store().table()
}

/// See [`Api::connect`].
///
/// # Safety
///
/// - `store` comes from the table that has this function.
/// - `binary` is a descriptor that is valid for the call. Its texts live as long as its binary is mapped, and its `load` is
///   null, or a [`Load`] that nothing else uses.
/// - `handle` is writable, and so is `items`, for as many handles as the binary has items.
/// - `report` is a usable sink.
unsafe extern "C" fn connect(
    store: StoreHandle,
    binary: *const BinaryDescriptor,
    handle: *mut BinaryHandle,
    items: *mut ItemHandle,
    report: *const Sink,
) -> Status {
    // SAFETY: the caller guarantees that the store is the table's, which lives as long as its binary, and that descriptor
    // and sink are valid for the call.
    let (store, descriptor, report) = unsafe { (&*store.cast::<Store>(), &*binary, &*report) };
    if let Err(error) = descriptor.header.check::<BinaryDescriptor>() {
        // SAFETY: the sink is usable.
        unsafe { report.write(&describe(error)) };
        return REJECTED;
    }
    // SAFETY: the caller guarantees that the text lives long enough, and that `load` is null or a `Load`.
    let (compiler, load) = unsafe { (descriptor.compiler.get(), descriptor.load.cast::<Load>().as_mut()) };
    // SAFETY: the pointer is null or that of a static of the plugin, or of the host whose allocator the plugin uses.
    let allocator = unsafe { descriptor.allocator.as_ref() };
    if allocator.is_some_and(allocator::differs) {
        // SAFETY: the sink is usable.
        unsafe { report.write(allocator::OTHER) };
        if let Some(load) = load {
            load.other_allocator = true;
        }
        return REJECTED;
    }
    let (descriptors, handles): (&[ItemDescriptor], Handles<'_>) = match descriptor.item_count {
        0 => (&[], &mut []),
        // SAFETY: the caller guarantees that there are as many descriptors, and room for as many handles, which need not be
        // initialized.
        count => unsafe {
            (slice::from_raw_parts(descriptor.items, count), slice::from_raw_parts_mut(items.cast(), count))
        },
    };
    if let Some(register_rest) = store.register_rest.get() {
        // SAFETY: the function is that of the store's own binary. No lock is held.
        unsafe { register_rest() };
    }
    let connected = store.connected(NewBinary {
        name: load.as_ref().map_or_else(|| name_by_address(descriptor.address), |load| load.name.clone()),
        compiler: compiler.to_owned(),
        is_host: false,
        trust: load.as_ref().map_or(Trust::Nothing, |load| load.trust),
        address: descriptor.address.addr(),
        initialize: None,
        describe_build: descriptor.describe_build,
    });
    // SAFETY: the caller guarantees that the texts live as long as the binary is mapped, and a plugin is taken out before it
    // is unmapped. What the descriptors point to are statics of the binary, as their documentation says.
    match unsafe { store.registry.register(connected.binary, descriptors, handles) } {
        Ok(()) => {
            // SAFETY: the caller guarantees that the handle is writable.
            unsafe { *handle = ptr::from_ref(connected).cast() };
            if let Some(load) = load {
                load.connected = Some(connected);
            }
            OK
        }
        Err(mismatches) => {
            // SAFETY: the sink is usable.
            unsafe { report.write(&mismatch::report(&mismatches)) };
            if let Some(load) = load {
                load.mismatches = mismatches;
            }
            // SAFETY: `connected` made both by `Box::leak`. Nothing has been registered with them, and no code but this has
            // seen them.
            unsafe {
                drop(Box::from_raw(ptr::from_ref(connected.binary).cast_mut()));
                drop(Box::from_raw(ptr::from_ref(connected).cast_mut()));
            }
            REJECTED
        }
    }
}

/// What is wrong with the header of a plugin's descriptor.
fn describe(error: HeaderError) -> String {
    match error {
        HeaderError::Major(found) => {
            format!("the plugin speaks version {found} of the binary contract, the host version {MAJOR}")
        }
        HeaderError::Magic(found) => format!("the plugin's descriptor starts with {found:#018x} and so is none"),
        HeaderError::Size { found, needed } => {
            format!("the plugin's descriptor has {found} bytes, and the host needs {needed}")
        }
    }
}

/// The file name of a binary that was connected by hand.
fn name_by_address(address: *const c_void) -> String {
    let name = image::file_of(address).and_then(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
    name.unwrap_or_else(|| "a plugin".to_owned())
}

/// See [`Api::register`].
///
/// # Safety
///
/// - `binary` was given out by [`connect`] or [`own_store`], and the binary is connected.
/// - `item` is valid for the call. Its texts live as long as its binary is mapped.
/// - `handle` is writable, and `report` is a usable sink.
unsafe extern "C" fn register(
    binary: BinaryHandle,
    item: *const ItemDescriptor,
    handle: *mut ItemHandle,
    report: *const Sink,
) -> Status {
    // SAFETY: the caller guarantees that the binary is connected, and that descriptor and sink are valid for the call.
    let (Connected { binary, store }, item, report) = unsafe { (&*binary.cast::<Connected>(), &*item, &*report) };
    // SAFETY: the caller guarantees that the handle is writable. It need not be initialized.
    let handle = unsafe { &mut *handle.cast() };
    // SAFETY: the caller guarantees that the texts live as long as the binary is mapped. What the descriptor points to are
    // statics of the binary, as its documentation says.
    match unsafe { store.registry.register(binary, slice::from_ref(item), slice::from_mut(handle)) } {
        Ok(()) => OK,
        Err(mismatches) => {
            // SAFETY: the sink is usable.
            unsafe { report.write(&mismatch::report(&mismatches)) };
            REJECTED
        }
    }
}

/// See [`Api::local`].
///
/// # Safety
///
/// - `access` is valid for the call, and nothing else uses it.
/// - Its binary is connected, its item was given out for a thread-local item of the binary, and its `build` builds a value
///   of that item.
unsafe extern "C" fn local(access: *mut Access) -> Status {
    // SAFETY: the caller guarantees that the access is valid and used here alone, and that its binary is connected.
    unsafe {
        let access = &mut *access;
        (*access.binary.cast::<Connected>()).store.local(access)
    }
}

/// See [`Api::process`].
///
/// # Safety
///
/// As [`local`], of a process-wide item.
unsafe extern "C" fn process(access: *mut Access) -> Status {
    // SAFETY: the caller guarantees that the access is valid and used here alone, and that its binary is connected.
    unsafe {
        let access = &mut *access;
        (*access.binary.cast::<Connected>()).store.process(access)
    }
}
