//! What crosses between binaries: the host's table, what a plugin says about itself and its items, and status codes.
//!
//! Host side and plugin side meet here and nowhere else. Everything is `#[repr(C)]`; what is a whole structure of its
//! own starts with a [`Header`]. Within a major version the table only grows at its end. `docs/abi.md` is the reference.

use std::ffi::{c_int, c_uint, c_void};
use std::mem::{offset_of, size_of};

/// The first eight bytes of every structure with a header.
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"plug_tls");
/// Changes when a binary of the other version could not be served.
pub(crate) const MAJOR: u16 = 1;
/// Grows with each entry that is added at the end of the table.
pub(crate) const MINOR: u16 = 0;

/// How each structure starts.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) magic: u64,
    pub(crate) major: u16,
    pub(crate) minor: u16,
    /// Bytes of the whole structure, this header included.
    pub(crate) size: u32,
}

impl Header {
    /// The header of a `T` as this version has it.
    pub(crate) const fn of<T>() -> Self {
        assert!(size_of::<T>() <= u32::MAX as usize);
        Header { magic: MAGIC, major: MAJOR, minor: MINOR, size: size_of::<T>() as u32 }
    }
}

/// UTF-8 text; valid for as long as the call that it is passed to, unless stated otherwise.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Str {
    pointer: *const u8,
    length: usize,
}

impl Str {
    pub(crate) const fn new(text: &str) -> Self {
        Str { pointer: text.as_ptr(), length: text.len() }
    }

    /// # Safety
    ///
    /// The text was made by [`Str::new`], of this or another binary, from text that is alive for `'a`.
    pub(crate) unsafe fn get<'a>(self) -> &'a str {
        // SAFETY:
        // - pointer and length are those of a `str` (the caller's word), which both are never null and UTF-8;
        // - it is alive for `'a` (the caller's word), and a `str` behind a shared reference does not change.
        unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.pointer, self.length)) }
    }
}

/// Where the other side writes text to: its words are copied before `write` returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Sink {
    write: unsafe extern "C" fn(to: *mut c_void, text: Str),
    to: *mut c_void,
}

impl Sink {
    /// A sink that appends to `text`; it must not be used after `text` is gone.
    pub(crate) fn new(text: &mut String) -> Self {
        unsafe extern "C" fn write(to: *mut c_void, text: Str) {
            // SAFETY:
            // - `to` comes from `Sink::new` below, which made it from a `&mut String`; whoever made the sink does not
            //   touch the string while the call runs that the sink was lent to;
            // - `text` is alive for this call.
            unsafe { (*to.cast::<String>()).push_str(text.get()) }
        }
        Sink { write, to: std::ptr::from_mut(text).cast() }
    }

    /// # Safety
    ///
    /// The string that the sink was made from is alive and not borrowed.
    pub(crate) unsafe fn write(&self, text: &str) {
        // SAFETY: the caller's word; `text` is alive for the call.
        unsafe { (self.write)(self.to, Str::new(text)) }
    }
}

/// What a call across the boundary came to. A number, not an enum, since the other side may be newer.
pub(crate) type Status = u32;
/// Done.
pub(crate) const OK: Status = 0;
/// The thread has dropped its value, or all of its values.
pub(crate) const DESTROYED: Status = 1;
/// Verification refused the item, or the binary; the sink has the report.
pub(crate) const REJECTED: Status = 2;
/// The initializer of the accessor panicked; the accessor has the payload.
pub(crate) const PANICKED: Status = 3;
/// The host's copy of the initializer panicked; the sink has the message.
pub(crate) const PANICKED_IN_HOST: Status = 4;
/// The item needs itself; the sink has the chain.
#[cfg(store)]
pub(crate) const RECURSION: Status = 5;
/// The initializer of a process-wide item panicked earlier; the sink has the message.
#[cfg(store)]
pub(crate) const POISONED: Status = 6;
/// The plugin whose code would build the value is being unloaded.
pub(crate) const DRAINING: Status = 7;

/// Thread-local or process-wide: [`ItemDecl::kind`].
pub(crate) const KIND_THREAD_LOCAL: u32 = 0;
pub(crate) const KIND_STATIC: u32 = 1;

/// Builds a value at `destination`, with whatever `attempt` is to the binary that passed it: [`OK`] or [`PANICKED`].
pub(crate) type Build = unsafe extern "C" fn(destination: *mut u8, attempt: *mut c_void) -> Status;
/// Drops the value at `value`.
pub(crate) type DropValue = unsafe extern "C" fn(value: *mut u8);

/// One binary's copy of an item, described for the host. The texts live as long as the binary.
#[repr(C)]
pub(crate) struct ItemDecl {
    /// What the macro knows: see [`crate::key::Declaration::read`].
    pub(crate) text: Str,
    /// The path at which the compiler sees the item.
    pub(crate) path: Str,
    pub(crate) type_name: Str,
    /// The bytes of the `TypeId`: to compare, never to use.
    pub(crate) type_id: [u8; 16],
    /// The type's `abi_stable` layout, or null.
    pub(crate) layout: *const c_void,
    pub(crate) size: usize,
    pub(crate) align: usize,
    /// Null for a type that needs no drop.
    pub(crate) drop: Option<DropValue>,
    /// The copy's own word: where the slot of a thread-local is (see [`crate::row`]), the pointer to the value of a
    /// process-wide item. The host writes it.
    pub(crate) word: *const c_void,
    /// What the copy is to its own binary. The host looks at those of its own copies only.
    pub(crate) item: *const c_void,
    pub(crate) kind: u32,
    /// Zero; room for what a later minor version says.
    pub(crate) reserved: u32,
}

/// A binary that wants to be connected, with all items that it knows of.
#[repr(C)]
pub(crate) struct BinaryDecl {
    pub(crate) header: Header,
    /// See `build.rs`; empty where the compiler does not say who it is.
    pub(crate) compiler: Str,
    /// The `abi_stable` that made the layouts, `0.11`; empty without one. Layouts of different ones cannot be compared.
    pub(crate) layouts: Str,
    pub(crate) items: *const ItemDecl,
    pub(crate) item_count: usize,
    /// Any address inside of the binary.
    pub(crate) address: *const c_void,
    /// What the loader passed along with the context; null where the context was passed by hand.
    pub(crate) load: *mut c_void,
}

/// The host's names for a binary and for a copy of an item.
pub(crate) type BinaryHandle = *const c_void;
pub(crate) type ItemHandle = *const c_void;

/// One access that the hot path could not serve.
#[repr(C)]
pub(crate) struct Access {
    pub(crate) item: ItemHandle,
    pub(crate) build: Build,
    /// The first argument of `build`.
    pub(crate) attempt: *mut c_void,
    pub(crate) sink: Sink,
    /// Out: the value.
    pub(crate) value: *const c_void,
    /// Not zero: `attempt` carries a value, so `build` must be called even where the host has an initializer of its own.
    pub(crate) given: u32,
    pub(crate) reserved: u32,
}

/// Finds the calling thread's [`Row`](crate::row::Row): null where it has none, or none any more. Its type is that of
/// `pthread_getspecific` on Linux, which it may be.
pub(crate) type FindRow = unsafe extern "C" fn(key: c_uint) -> *mut c_void;

/// The host's table. [`Context`](crate::Context) is a pointer to it.
#[repr(C)]
pub(crate) struct Api {
    pub(crate) header: Header,
    /// Finds the row that odd words speak of.
    pub(crate) row: Option<FindRow>,
    /// The argument of `row`.
    pub(crate) row_key: c_uint,
    pub(crate) reserved: u32,
    /// Registers a binary and its items: all of them, or, with [`REJECTED`], none.
    pub(crate) connect: Option<
        unsafe extern "C" fn(
            binary: *const BinaryDecl,
            handle: *mut BinaryHandle,
            items: *mut ItemHandle,
            report: *const Sink,
        ) -> Status,
    >,
    /// Registers an item that only shows up later.
    pub(crate) register: Option<
        unsafe extern "C" fn(
            binary: BinaryHandle,
            item: *const ItemDecl,
            handle: *mut ItemHandle,
            report: *const Sink,
        ) -> Status,
    >,
    /// Finds or builds the calling thread's value of a thread-local item.
    pub(crate) local: Option<unsafe extern "C" fn(access: *mut Access) -> Status>,
    /// Finds or builds the value of a process-wide item.
    pub(crate) process: Option<unsafe extern "C" fn(access: *mut Access) -> Status>,
    /// What a plugin's own thread-locals and threads need, so that it can be unloaded; null where the host's platform
    /// has no such thing.
    pub(crate) takeover: Takeover,
}

/// What thread-exit functions look like to libc.
pub(crate) type AtExit = unsafe extern "C" fn(object: *mut c_void);
/// What a thread runs.
pub(crate) type Start = unsafe extern "C" fn(argument: *mut c_void) -> *mut c_void;

/// The host's versions of functions of libc that leave something of a plugin behind. Each does what libc's does and
/// returns what libc's returns; the plugin's handle comes first.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Takeover {
    /// `__cxa_thread_atexit_impl`.
    pub(crate) at_thread_exit:
        Option<unsafe extern "C" fn(plugin: BinaryHandle, function: AtExit, object: *mut c_void) -> c_int>,
    /// `pthread_key_create`.
    pub(crate) key_create:
        Option<unsafe extern "C" fn(plugin: BinaryHandle, key: *mut c_uint, function: Option<AtExit>) -> c_int>,
    /// `pthread_key_delete`.
    pub(crate) key_delete: Option<unsafe extern "C" fn(plugin: BinaryHandle, key: c_uint) -> c_int>,
    /// `pthread_setspecific`.
    pub(crate) key_set: Option<unsafe extern "C" fn(plugin: BinaryHandle, key: c_uint, value: *const c_void) -> c_int>,
    /// `pthread_create`.
    pub(crate) thread_create: Option<
        unsafe extern "C" fn(
            plugin: BinaryHandle,
            thread: *mut c_void,
            attributes: *const c_void,
            start: Start,
            argument: *mut c_void,
        ) -> c_int,
    >,
}

// SAFETY: a table is written once, before anybody sees it, and holds nothing but numbers and functions.
unsafe impl Sync for Api {}
// SAFETY: as above.
unsafe impl Send for Api {}

#[cfg(feature = "host")]
/// The symbol that makes a library a plugin: an [`Entry`].
pub(crate) const ENTRY_SYMBOL: &[u8] = b"plugin_tls_entry\0";

/// What `export_plugin!` exports.
#[repr(C)]
#[derive(Debug)]
#[allow(unreachable_pub, reason = "named by the expansion of `export_plugin!`, where there is one")]
pub struct Entry {
    pub(crate) header: Header,
    /// `Context::initialize` in the plugin, for `table`. `load` goes into [`BinaryDecl::load`].
    pub(crate) connect:
        Option<unsafe extern "C" fn(table: *const c_void, load: *mut c_void, report: *const c_void) -> u32>,
    /// The plugin is about to be unmapped: it forgets the store and everything that it got from it.
    pub(crate) disconnect: Option<unsafe extern "C" fn()>,
}

/// Layouts, pinned: a change here is a change of the binary contract.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Header>() == 16 && offset_of!(Header, major) == 8 && offset_of!(Header, minor) == 10);
    assert!(offset_of!(Header, size) == 12);
    assert!(size_of::<Str>() == 16 && offset_of!(Str, length) == 8);
    assert!(size_of::<Sink>() == 16 && offset_of!(Sink, to) == 8);

    assert!(size_of::<ItemDecl>() == 120);
    assert!(offset_of!(ItemDecl, text) == 0 && offset_of!(ItemDecl, path) == 16);
    assert!(offset_of!(ItemDecl, type_name) == 32 && offset_of!(ItemDecl, type_id) == 48);
    assert!(offset_of!(ItemDecl, layout) == 64 && offset_of!(ItemDecl, size) == 72);
    assert!(offset_of!(ItemDecl, align) == 80 && offset_of!(ItemDecl, drop) == 88);
    assert!(offset_of!(ItemDecl, word) == 96 && offset_of!(ItemDecl, item) == 104);
    assert!(offset_of!(ItemDecl, kind) == 112);

    assert!(size_of::<BinaryDecl>() == 80);
    assert!(offset_of!(BinaryDecl, compiler) == 16 && offset_of!(BinaryDecl, layouts) == 32);
    assert!(offset_of!(BinaryDecl, items) == 48 && offset_of!(BinaryDecl, item_count) == 56);
    assert!(offset_of!(BinaryDecl, address) == 64 && offset_of!(BinaryDecl, load) == 72);

    assert!(size_of::<Access>() == 56);
    assert!(offset_of!(Access, item) == 0 && offset_of!(Access, build) == 8);
    assert!(offset_of!(Access, attempt) == 16 && offset_of!(Access, sink) == 24);
    assert!(offset_of!(Access, value) == 40 && offset_of!(Access, given) == 48);

    assert!(size_of::<Api>() == 104);
    assert!(offset_of!(Api, row) == 16 && offset_of!(Api, row_key) == 24);
    assert!(offset_of!(Api, connect) == 32 && offset_of!(Api, register) == 40);
    assert!(offset_of!(Api, local) == 48 && offset_of!(Api, process) == 56 && offset_of!(Api, takeover) == 64);

    assert!(size_of::<Takeover>() == 40);
    assert!(offset_of!(Takeover, at_thread_exit) == 0 && offset_of!(Takeover, key_create) == 8);
    assert!(offset_of!(Takeover, key_delete) == 16 && offset_of!(Takeover, key_set) == 24);
    assert!(offset_of!(Takeover, thread_create) == 32);

    assert!(size_of::<Entry>() == 32 && offset_of!(Entry, connect) == 16 && offset_of!(Entry, disconnect) == 24);
};
