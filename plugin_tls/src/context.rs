//! [`Context`]: a store, as it is passed from host to plugin.

use std::ffi::c_void;

use crate::error::ConnectError;

/// A host's store, to be passed to plugins.
///
/// One pointer, `#[repr(C)]`: it may be an argument of an `extern "C"` function, a field of a `#[repr(C)]` structure, or,
/// with the feature `abi_stable`, part of an `abi_stable` root module. [`host::Plugin::load`](crate::host::Plugin::load)
/// passes it by itself; by hand it goes like this:
///
/// ```
/// use plugin_tls::Context;
///
/// // In the plugin, an exported function:
/// extern "C" fn plugin_init(context: Context) -> bool {
///     // SAFETY: `context` comes from a host that outlives this plugin.
///     match unsafe { context.initialize() } {
///         Ok(()) => true,
///         Err(error) => {
///             eprintln!("{error}");
///             false
///         }
///     }
/// }
///
/// // In the host, which finds that function with whatever loads its plugins:
/// # #[cfg(feature = "host")]
/// assert!(plugin_init(Context::get()));
/// ```
#[repr(C)]
#[derive(Clone, Copy)]
#[cfg_attr(feature = "abi_stable", derive(abi_stable::StableAbi))]
pub struct Context {
    /// An [`Api`](crate::abi::Api), or anything else: it is checked before it is believed.
    table: *const c_void,
}

// SAFETY: the table is immutable, and its functions may be called from any thread.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

const _: () = assert!(size_of::<Context>() == size_of::<usize>() && align_of::<Context>() == align_of::<usize>());

impl Context {
    /// The store that this binary uses: its own, or, in a plugin that is connected, that of its host.
    ///
    /// A binary that was undecided uses its own store from now on.
    ///
    /// ```
    /// let context = plugin_tls::Context::get();
    /// println!("to be passed on: {context:?}");
    /// ```
    #[cfg(feature = "host")]
    #[must_use]
    pub fn get() -> Context {
        Context { table: std::ptr::from_ref(crate::binary::use_own()).cast() }
    }

    /// In the host: drops every process-wide value and every value of the calling thread, in the reverse order of their
    /// creation, and makes other threads drop theirs at their next
    /// [`safe_point`](crate::host::safe_point) or when they end. Pointers that any binary has cached are revoked first:
    /// afterwards every access builds afresh. Poisoned items can be tried again.
    ///
    /// In a binary that uses another host's store, nothing happens.
    ///
    /// # Safety
    ///
    /// No thread refers to a process-wide value, and the calling thread to no value of any item. Process-wide values may
    /// be dropped by the calling thread: their types are `Send`.
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// plugin_tls::thread_local!(static DEPTH: Cell<u32> = const { Cell::new(1) });
    ///
    /// DEPTH.set(5);
    /// // SAFETY: nothing refers to a value.
    /// unsafe { plugin_tls::Context::reset() };
    /// assert_eq!(DEPTH.get(), 1);
    /// ```
    #[cfg(feature = "host")]
    pub unsafe fn reset() {
        if std::ptr::eq(crate::binary::use_own(), crate::store::api::table()) {
            // SAFETY: the caller's word.
            unsafe { crate::store::unloading::reset() }
        }
    }

    /// In a plugin: uses the host's store from now on, and registers every item that this binary declares.
    ///
    /// Call it before anything touches an item. Doing it again with the same context is fine.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], with nothing changed: if the context is not one, or of a version that this binary does not
    /// speak; if this binary has a store already, another host's or its own; if the host refuses an item of this
    /// binary; if this binary was built without the feature `plugin`.
    ///
    /// # Safety
    ///
    /// The context was returned by [`Context::get`] in a binary that stays mapped for as long as this one, or it points
    /// at readable memory that does not look like a table.
    ///
    /// ```
    /// use plugin_tls::{ConnectError, Context};
    ///
    /// fn connect(context: Context) -> Result<(), ConnectError> {
    ///     // SAFETY: the host that made the context never goes away.
    ///     unsafe { context.initialize() }
    /// }
    /// ```
    pub unsafe fn initialize(self) -> Result<(), ConnectError> {
        // SAFETY: the caller's word.
        unsafe { self.initialize_for(std::ptr::null_mut()) }
    }

    #[cfg(not(feature = "plugin"))]
    unsafe fn initialize_for(self, _load: *mut c_void) -> Result<(), ConnectError> {
        #[cfg(store)]
        if std::ptr::eq(self.table, std::ptr::from_ref(crate::store::api::table()).cast()) {
            return Ok(());
        }
        Err(ConnectError::NotAPlugin)
    }

    /// # Safety
    ///
    /// As [`initialize`](Self::initialize); `load` is what the loader passed along, or null.
    #[cfg(feature = "plugin")]
    pub(crate) unsafe fn initialize_for(self, load: *mut c_void) -> Result<(), ConnectError> {
        use crate::binary::{self, ConnectRefusal};

        // SAFETY: the caller's word.
        let api = unsafe { self.check()? };
        // SAFETY: the table was checked; the rest is the caller's word.
        unsafe { binary::connect(api, load) }.map_err(|refusal| match refusal {
            ConnectRefusal::Rejected(report) => ConnectError::Rejected { report },
            #[cfg(store)]
            ConnectRefusal::OtherStore if binary::uses_own() => ConnectError::UsedLocally,
            ConnectRefusal::OtherStore => ConnectError::OtherHost,
        })
    }

    #[cfg(feature = "plugin")]
    pub(crate) fn from_table(table: *const c_void) -> Self {
        Context { table }
    }

    /// The table, if this binary can work with it. Reads no more than what has been found to be there.
    ///
    /// # Safety
    ///
    /// The pointer is null or points at a table, or at a header's worth of readable memory.
    #[cfg(feature = "plugin")]
    unsafe fn check(self) -> Result<&'static crate::abi::Api, ConnectError> {
        use crate::abi::{Api, Header, MAGIC, MAJOR};

        if self.table.is_null() {
            return Err(ConnectError::Null);
        }
        // SAFETY: at least a header is readable: the caller's word. Nothing is known of its alignment.
        let header = unsafe { self.table.cast::<Header>().read_unaligned() };
        if header.magic != MAGIC || self.table.addr() % align_of::<Api>() != 0 {
            return Err(ConnectError::NotAContext { magic: header.magic });
        }
        if header.major != MAJOR {
            return Err(ConnectError::AbiMajor { host: header.major, plugin: MAJOR });
        }
        let (found, needed) = (header.size as usize, size_of::<Api>());
        if found < needed {
            return Err(ConnectError::Truncated { found, needed });
        }
        // SAFETY: it is a table, aligned, at least as long as `Api`, and never written after it was made. Whatever its
        // words are, they are valid for the fields: numbers, or functions that may be null.
        let api = unsafe { &*self.table.cast::<Api>() };
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
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Context").field(&self.table).finish()
    }
}
