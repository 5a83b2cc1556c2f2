//! The store that is linked into this binary, and deciding to use it.
//!
//! This crate refers to the store through one symbol, which `export_plugin!` defines as null, so that the linker leaves the
//! store out of plugins. What names the store itself is `#[inline]`: it becomes part of the crates that call it, so that a
//! plugin which asks for a store of its own gets one.

use std::ptr;
use std::sync::atomic::Ordering::Acquire;

use plugin_tls_abi::own_store_symbol;
use plugin_tls_abi::table::{Api, BinaryDescriptor, OwnStore};

use super::{connect, state};
use crate::item;

unsafe extern "C" {
    /// Null in a plugin.
    #[link_name = own_store_symbol!()]
    static OWN_STORE: Option<OwnStore>;
}

/// The store that this binary uses. It is decided now if it was not yet; `None` in a plugin that is not connected.
pub(super) fn store() -> Option<&'static Api> {
    state::current().or_else(decide_now)
}

/// Uses the store that is linked into this binary from now on, unless the binary is a plugin.
#[cold]
fn decide_now() -> Option<&'static Api> {
    if state::is_plugin() {
        return None;
    }
    // SAFETY: the store's crate and `export_plugin!` define the symbol as such a pointer, which nothing writes.
    let own_store = unsafe { OWN_STORE }?;
    // SAFETY: the store's crate defines the symbol as its own function.
    Some(unsafe { use_store(own_store) })
}

/// Uses this binary's own store from now on, if the binary is not connected to another one, and registers all of its items
/// there. Returns the store in use.
#[inline]
pub fn use_own_store() -> &'static Api {
    // SAFETY: it is the function of the store's crate.
    unsafe { use_store(plugin_tls_store::own_store) }
}

/// See [`use_own_store`].
///
/// # Safety
///
/// `own_store` is the function of the store that is linked into this binary.
pub(super) unsafe fn use_store(own_store: OwnStore) -> &'static Api {
    let deciding = state::deciding();
    if let Some(store) = state::current() {
        drop(deciding);
        register_rest();
        return store;
    }
    let host = BinaryDescriptor { register_rest: Some(register_rest), ..connect::descriptor(&[], ptr::null_mut()) };
    let mut handle = ptr::null();
    // SAFETY:
    // - The caller guarantees that it is the store's function, which returns a static.
    // - The descriptor is that of this binary, without items, and its text is a constant. `handle` is writable.
    let store = unsafe { &*own_store(&raw const host, &raw mut handle) };
    state::decide(&deciding, store, handle, true);
    drop(deciding);
    register_rest();
    store
}

/// Registers the items of this binary that are not registered in its own store. Constructors run in any order, so that an
/// item may be described after another one was used. The store calls this before it connects a plugin, because every
/// item that the host links is the host's.
extern "C" fn register_rest() {
    let Some(store) = state::current().filter(|_| state::is_host()) else { return };
    // One by one, so that an access tells what is wrong with one of them. Another thread may register them as well: an item
    // that is registered twice gets the same handle.
    for item in item::all().filter(|item| item.handle.load(Acquire).is_null()) {
        // What is refused is tried again when it is accessed.
        connect::register(store, state::handle(), item, &mut String::new());
    }
}
