//! [`Context`]: a store, as users pass it from host to plugin.

use std::ffi::c_void;
use std::fmt;
use std::ptr;

use super::connect::initialize_for;
use super::own_store::use_own_store;
use super::state;
use crate::error::ConnectError;

/// A host's store, to be passed to plugins.
///
/// One pointer, `#[repr(C)]`: it may be an argument of an `extern "C"` function or a field of a `#[repr(C)]` structure.
/// The crate `plugin_tls_abi_stable` has one that may be part of an `abi_stable` root module. `plugin_tls::host::Plugin`
/// passes it by itself. By hand it goes like this:
///
/// ```
/// use plugin_tls_core::Context;
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
/// assert!(plugin_init(Context::get()));
/// ```
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Context {
    /// An [`Api`](plugin_tls_abi::table::Api), or anything else: it is checked before it is used.
    table: *const c_void,
}

// SAFETY: the table is never written, and its functions may be called from any thread.
unsafe impl Send for Context {}
// SAFETY: a shared context only gives out the pointer, which may be used from any thread.
unsafe impl Sync for Context {}

const _: () = assert!(size_of::<Context>() == size_of::<usize>() && align_of::<Context>() == align_of::<usize>());

impl Context {
    /// The store that this binary uses: its own, or, in a plugin that is connected, that of its host.
    ///
    /// A binary that was undecided uses its own store from now on, and so becomes a host.
    ///
    /// ```
    /// let context = plugin_tls_core::Context::get();
    /// println!("to be passed on: {context:?}");
    /// ```
    #[inline]
    #[must_use]
    pub fn get() -> Context {
        Context { table: ptr::from_ref(use_own_store()).cast() }
    }

    /// In the host: drops every process-wide value and every value of the calling thread, in the reverse order of their
    /// creation, and makes other threads drop theirs at their next `plugin_tls::host::safe_point` or when they end.
    /// Pointers that any binary has cached are revoked first: afterwards every access builds afresh. Poisoned items can be
    /// tried again.
    ///
    /// In a binary that uses another host's store, nothing happens.
    ///
    /// # Safety
    ///
    /// - No thread refers to a process-wide value, and the calling thread refers to no value of any item.
    /// - Process-wide values may be dropped by the calling thread: their types are `Send`.
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// plugin_tls_core::thread_local!(static DEPTH: Cell<u32> = const { Cell::new(1) });
    ///
    /// DEPTH.set(5);
    /// // SAFETY: nothing refers to a value.
    /// unsafe { plugin_tls_core::Context::reset() };
    /// assert_eq!(DEPTH.get(), 1);
    /// ```
    #[inline]
    pub unsafe fn reset() {
        use_own_store();
        if state::is_host() {
            // SAFETY: the caller guarantees that nothing refers to the values that are dropped here, and that they may be
            // dropped on this thread.
            unsafe { plugin_tls_store::store().reset() }
        }
    }

    /// Uses the host's store from now on, and registers every item that this binary declares.
    ///
    /// Call it before anything touches an item. Doing it again with the same context is fine.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], with nothing changed: if the context is not one, or of a version that this binary does not
    /// speak; if this binary has a store already, another host's or its own; if the host refuses an item of this
    /// binary.
    ///
    /// # Safety
    ///
    /// The context was returned by [`Context::get`] in a binary that stays mapped for as long as this one, or it points
    /// at readable memory that does not look like a table.
    ///
    /// ```
    /// use plugin_tls_core::{ConnectError, Context};
    ///
    /// fn connect(context: Context) -> Result<(), ConnectError> {
    ///     // SAFETY: the host that made the context never goes away.
    ///     unsafe { context.initialize() }
    /// }
    /// ```
    pub unsafe fn initialize(self) -> Result<(), ConnectError> {
        // SAFETY: the caller guarantees what is asked of the context. No loader is involved.
        unsafe { initialize_for(self.table, ptr::null_mut()) }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Context").field(&self.table).finish()
    }
}
