//! Which store this binary uses.
//!
//! ```text
//!                     ┌─ an access, unless the binary is marked as a plugin ─┐
//!                     │  `Context::get`, `Plugin::load`                      ▼
//!     undecided ──────┤                                           its own store: it is a host
//!        ▲   │        └─ `Context::initialize`, a loader ─► the store of another binary
//!        │   └─ an access in a plugin: an error, and still undecided        │
//!        └──────────────── the loader unmaps the plugin ◄───────────────────┘
//! ```
//!
//! It is decided once, under a lock. `export_plugin!` marks the image that it is part of. The mark has no meaning in the
//! executable: a plugin's crate that is linked into a program, such as its own tests, is no plugin there.
//!
//! # Orderings
//!
//! `STORE` is written last, with Release, after the handle and the way to the row. Who reads it with Acquire sees both.
//! `LOADED` is written after that, with Release, and read with Acquire, so that who sees it set sees the store as well.
//! `MARK` is Relaxed: a constructor sets it before any other code of the binary runs, and nothing depends on it but itself.

use std::ffi::c_void;
use std::ptr;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr};

use plugin_tls_abi::row;
use plugin_tls_abi::sync::Mutex;
use plugin_tls_abi::sys::image;
use plugin_tls_abi::table::{Api, BinaryHandle};

/// The table of the store that this binary uses; null while undecided.
static STORE: AtomicPtr<Api> = AtomicPtr::new(ptr::null_mut());
/// The store's name for this binary.
static HANDLE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// This binary uses the store that is linked into it.
static HOST: AtomicBool = AtomicBool::new(false);
/// A loader has connected this binary, and may unmap it again.
static LOADED: AtomicBool = AtomicBool::new(false);
/// The address of a static of the crate that calls `export_plugin!`; null if there is none.
static MARK: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Held while it is decided which store this binary uses.
static DECIDING: Mutex<()> = Mutex::new(());

/// Marks the image that the caller's static is part of as a plugin. `export_plugin!` calls this when the binary is loaded.
pub fn mark_plugin(here: &'static u8) {
    MARK.store(ptr::from_ref(here).cast_mut(), Relaxed);
}

/// Any address inside of this binary.
pub(super) fn address() -> *const c_void {
    (&raw const STORE).cast()
}

/// The store that this binary uses, if that is decided.
pub(super) fn current() -> Option<&'static Api> {
    // SAFETY: the pointer is null or that of a checked table. A table lives as long as its binary, and that is mapped as
    // long as this one: it is this binary itself, or the caller of `Context::initialize` guarantees it.
    unsafe { STORE.load(Acquire).as_ref() }
}

/// The store's name for this binary.
pub(super) fn handle() -> BinaryHandle {
    HANDLE.load(Acquire)
}

/// Whether `export_plugin!` marks this image as a plugin, and it is no executable, in which the mark has no meaning.
///
/// The mark may be of another image: where this crate is part of a dynamic library that host and plugins share.
pub(super) fn is_plugin() -> bool {
    let mark = MARK.load(Relaxed);
    let is_of_this_image = || image::span_of(address()).is_none_or(|span| span.contains(&mark.addr()));
    !mark.is_null() && is_of_this_image() && !image::in_executable(address())
}

/// Whether this binary uses its own store.
pub fn is_host() -> bool {
    // Relaxed: read after the store, which is written after this.
    current().is_some() && HOST.load(Relaxed)
}

/// The right to decide, for [`decide`].
pub(super) fn deciding() -> MutexGuard<'static, ()> {
    DECIDING.lock()
}

/// Publishes the decision: the checked table of a store, its name for this binary, and whether the store is this binary's
/// own.
pub(super) fn decide(_deciding: &MutexGuard<'_, ()>, store: &'static Api, handle: BinaryHandle, own: bool) {
    let find = store.row.expect("a checked table has every function");
    // SAFETY: it is the contract of the table that its function finds the row with its key.
    unsafe { row::connect(find, store.row_key) };
    HOST.store(own, Relaxed);
    HANDLE.store(handle.cast_mut(), Release);
    STORE.store(ptr::from_ref(store).cast_mut(), Release);
}

/// Says that a loader has connected this binary: it takes care of what the binary leaves on threads.
pub(super) fn set_loaded(_deciding: &MutexGuard<'_, ()>) {
    LOADED.store(true, Release);
}

/// Returns to the undecided state.
pub(super) fn undecide(_deciding: &MutexGuard<'_, ()>) {
    STORE.store(ptr::null_mut(), Release);
    HANDLE.store(ptr::null_mut(), Release);
    HOST.store(false, Relaxed);
    LOADED.store(false, Release);
    row::disconnect();
}

/// The store and its name for this binary, if a loader has connected it.
pub fn connected_by_loader() -> Option<(&'static Api, BinaryHandle)> {
    if !LOADED.load(Acquire) {
        return None;
    }
    current().map(|store| (store, handle()))
}
