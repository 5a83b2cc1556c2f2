//! What crosses between binaries: the host's table, descriptors of binaries and items, accesses, status codes.
//!
//! Within a major version, each structure only grows at its end.

use std::ffi::{c_int, c_uint, c_void};

use crate::allocator::Allocator;
use crate::header::Header;
use crate::text::{Sink, Str};

/// The outcome of a call across the boundary. It is a number and not an enum, because the other side may be newer.
pub type Status = u32;
/// Done.
pub const OK: Status = 0;
/// The thread has dropped its value of the item, or all of its values.
pub const DESTROYED: Status = 1;
/// Verification refused the item or the binary. The sink has the report.
pub const REJECTED: Status = 2;
/// The accessor's initializer panicked. The accessor has the payload.
pub const PANICKED: Status = 3;
/// The host's copy of the initializer panicked. The sink has the message.
pub const PANICKED_IN_HOST: Status = 4;
/// The item needs itself. The sink has the chain.
pub const RECURSION: Status = 5;
/// The initializer of a process-wide item panicked earlier. The sink has the message.
pub const POISONED: Status = 6;
/// The plugin whose code would build the value is being unloaded.
pub const DRAINING: Status = 7;

/// [`ItemDescriptor::kind`] of a thread-local item.
pub const KIND_THREAD_LOCAL: u32 = 0;
/// [`ItemDescriptor::kind`] of a process-wide item.
pub const KIND_STATIC: u32 = 1;

/// Builds a value at `destination` for the accessor that passed `attempt`: [`OK`] or [`PANICKED`].
pub type Build = unsafe extern "C" fn(destination: *mut u8, attempt: *mut c_void) -> Status;
/// Builds a value at `destination` with the initializer of the item that [`ItemDescriptor::item`] names: [`OK`], or
/// [`PANICKED_IN_HOST`] with the message in `report`.
pub type Initialize = unsafe extern "C" fn(item: *const c_void, destination: *mut u8, report: *const Sink) -> Status;
/// Drops the value at `value`. If its destructor panics, the process aborts with the name of the item that
/// [`ItemDescriptor::item`] names.
pub type DropValue = unsafe extern "C" fn(value: *mut u8, item: *const c_void);

/// A way to describe types so that two binaries of different compilers can compare them.
///
/// Layouts of two schemes can be compared if the schemes have the same name.
#[repr(C)]
#[derive(Debug)]
pub struct LayoutScheme {
    pub header: Header,
    /// `abi_stable 0.11`.
    pub name: Str,
    /// [`OK`] if values of the two layouts may be shared, else [`REJECTED`] with the difference in `report`.
    pub compare:
        Option<unsafe extern "C" fn(known: *const c_void, offered: *const c_void, report: *const Sink) -> Status>,
    /// Not zero if the layout is that of a type within the item's type. If two such layouts differ, the types differ. If
    /// they are compatible, the types are the same only if one compiler built both binaries and the types' names agree.
    pub same_compiler: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: a scheme is written once, as a static, and holds nothing but a text, numbers and a function.
unsafe impl Sync for LayoutScheme {}

/// Writes the [shape](crate::shape) of an item's type to `report`, in one call.
pub type DescribeShape = unsafe extern "C" fn(report: *const Sink);

/// One binary's copy of an item, as the host gets to see it. The texts live as long as the binary.
#[repr(C)]
#[derive(Debug)]
pub struct ItemDescriptor {
    /// What the macro knows: see [`Declaration::read`](crate::identity::Declaration::read).
    pub text: Str,
    /// The path at which the compiler sees the item.
    pub path: Str,
    pub type_name: Str,
    /// The bytes of the `TypeId`. They are compared, and never turned back into one.
    pub type_id: [u8; 16],
    /// The type's layout in the terms of `scheme`, or null.
    pub layout: *const c_void,
    /// Null without a layout.
    pub scheme: *const LayoutScheme,
    /// Writes the type's shape. `None` if it has none.
    pub shape: Option<DescribeShape>,
    pub size: usize,
    pub align: usize,
    /// The size of the `Option` of the type, which tells whether the type leaves bits unused.
    pub option_size: usize,
    /// `None` for a type that needs no drop.
    pub drop: Option<DropValue>,
    /// The copy's own word. Of a thread-local it says where the slot is: see [`crate::row`]. Of a process-wide item it is
    /// the pointer to the value. The host writes it.
    pub word: *const c_void,
    /// The copy's static, for [`Initialize`] and [`DropValue`].
    pub item: *const c_void,
    /// [`KIND_THREAD_LOCAL`] or [`KIND_STATIC`].
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
}

/// A binary that asks to be connected, with the items that it knows of.
#[repr(C)]
#[derive(Debug)]
pub struct BinaryDescriptor {
    pub header: Header,
    /// `rustc -vV` in one line. Empty where the compiler does not say from which commit it was built.
    pub compiler: Str,
    pub items: *const ItemDescriptor,
    pub item_count: usize,
    /// Any address inside of the binary.
    pub address: *const c_void,
    /// What the loader passed along with the context. Null where the context was passed by hand.
    pub load: *mut c_void,
    /// Builds values for other binaries, if this binary is the host.
    pub initialize: Option<Initialize>,
    /// Says in words what the builds of the binary's crates are.
    pub describe_build: Option<DescribeBuild>,
    /// Registers the items that the binary has and that are not registered, if this binary is the host.
    pub register_rest: Option<unsafe extern "C" fn()>,
    /// The functions that the binary's memory comes from: those of the host that its global allocator forwards to, else those
    /// of its global allocator.
    pub allocator: *const Allocator,
}

/// Writes to `report` what the fingerprint of a crate's build is the hash of: lines of a kind and a value, such as
/// `feature std`. Writes nothing if the binary does not know the build.
pub type DescribeBuild = unsafe extern "C" fn(fingerprint: Str, report: *const Sink);

/// The host's name for a store.
pub type StoreHandle = *const c_void;
/// The host's name for a binary.
pub type BinaryHandle = *const c_void;
/// The host's name for a copy of an item.
pub type ItemHandle = *const c_void;

/// One access that the hot path could not serve.
#[repr(C)]
#[derive(Debug)]
pub struct Access {
    /// The accessor.
    pub binary: BinaryHandle,
    /// The accessor's copy of the item.
    pub item: ItemHandle,
    pub build: Build,
    /// The last argument of `build`.
    pub attempt: *mut c_void,
    pub sink: Sink,
    /// Out: the value.
    pub value: *const c_void,
    /// Not zero if `attempt` carries a value: then `build` must be called even where the host has an initializer of its own.
    pub given: u32,
    /// Zero.
    pub reserved: u32,
}

/// Finds the calling thread's [`Row`](crate::row::Row). Null if the thread has none, or none any more.
///
/// The type is that of `pthread_getspecific` on Linux, which it may be.
pub type FindRow = unsafe extern "C" fn(key: c_uint) -> *mut c_void;

/// [`Api::connect`].
pub type Connect = unsafe extern "C" fn(
    store: StoreHandle,
    binary: *const BinaryDescriptor,
    handle: *mut BinaryHandle,
    items: *mut ItemHandle,
    report: *const Sink,
) -> Status;
/// [`Api::register`].
pub type Register = unsafe extern "C" fn(
    binary: BinaryHandle,
    item: *const ItemDescriptor,
    handle: *mut ItemHandle,
    report: *const Sink,
) -> Status;
/// [`Api::local`] and [`Api::process`].
pub type FindOrBuild = unsafe extern "C" fn(access: *mut Access) -> Status;

/// The host's table. A context is a pointer to it.
#[repr(C)]
#[derive(Debug)]
pub struct Api {
    pub header: Header,
    /// The first argument of `connect`.
    pub store: StoreHandle,
    /// Finds the row that odd words speak of.
    pub row: Option<FindRow>,
    /// The argument of `row`.
    pub row_key: c_uint,
    /// Zero.
    pub reserved: u32,
    /// Registers a binary and its items: all of them, or, with [`REJECTED`], none.
    pub connect: Option<Connect>,
    /// Registers an item that only shows up later.
    pub register: Option<Register>,
    /// Finds or builds the calling thread's value of a thread-local item.
    pub local: Option<FindOrBuild>,
    /// Finds or builds the value of a process-wide item.
    pub process: Option<FindOrBuild>,
    pub takeover: Takeover,
}

// SAFETY: a table is written once, before anybody sees it, and holds nothing but numbers, functions and the address of the
// store, which may be used from any thread.
unsafe impl Sync for Api {}
// SAFETY: as for `Sync`; a table is never written after it was made.
unsafe impl Send for Api {}

/// A function that libc calls with one object when a thread ends.
pub type AtExit = unsafe extern "C" fn(*mut c_void);
/// The first function of a thread.
pub type Start = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// Functions that a plugin calls instead of libc's of the same purpose, with its handle as the first argument: the host
/// keeps what libc would have kept, so that it can run it before the plugin is unmapped.
///
/// `None` means that the plugin calls libc as ever.
#[repr(C)]
#[derive(Debug)]
pub struct Takeover {
    /// `__cxa_thread_atexit_impl`. Not zero if the thread's list has ended: then the plugin calls libc.
    pub at_thread_exit:
        Option<unsafe extern "C" fn(plugin: BinaryHandle, function: AtExit, object: *mut c_void) -> c_int>,
    /// `pthread_key_create`.
    pub key_create:
        Option<unsafe extern "C" fn(plugin: BinaryHandle, key: *mut c_uint, function: Option<AtExit>) -> c_int>,
    /// `pthread_key_delete`.
    pub key_delete: Option<unsafe extern "C" fn(plugin: BinaryHandle, key: c_uint) -> c_int>,
    /// `pthread_setspecific`.
    pub key_set: Option<unsafe extern "C" fn(plugin: BinaryHandle, key: c_uint, value: *const c_void) -> c_int>,
    /// `pthread_create`.
    pub thread_create: Option<
        unsafe extern "C" fn(
            plugin: BinaryHandle,
            thread: *mut c_void,
            attributes: *const c_void,
            start: Start,
            argument: *mut c_void,
        ) -> c_int,
    >,
}

/// The store that is linked into a binary: the symbol [`own_store_symbol!`](crate::own_store_symbol) is a pointer to such a
/// function, or null in a plugin, which has no store.
///
/// Returns the store's table and registers the binary, without items, as the store's host. Called again, it returns the
/// same table and the same handle.
pub type OwnStore = unsafe extern "C" fn(host: *const BinaryDescriptor, handle: *mut BinaryHandle) -> *const Api;

/// The symbol that makes a library a plugin: an [`Entry`].
pub const ENTRY_SYMBOL: &str = "plugin_tls_entry";

/// What `export_plugin!` exports.
#[repr(C)]
#[derive(Debug)]
pub struct Entry {
    pub header: Header,
    /// `Context::initialize` in the plugin, for `table`. `load` goes into [`BinaryDescriptor::load`].
    pub connect: Option<unsafe extern "C" fn(table: *const c_void, load: *mut c_void, report: *const c_void) -> Status>,
    /// The plugin is about to be unmapped: it drops all knowledge of the store.
    pub disconnect: Option<unsafe extern "C" fn()>,
    /// Not zero if the image defines the functions that lead to [`Takeover`], and its std is bound to them. `None` if the
    /// image does not define them.
    pub takes_over: Option<extern "C" fn() -> u32>,
}
