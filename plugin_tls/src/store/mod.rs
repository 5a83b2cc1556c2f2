//! The host's side: who is connected, which items there are, and their values.
//!
//! | module | subject |
//! |---|---|
//! | `registry` | binaries, and the record of each item with its copies |
//! | `registration` | how the items of a binary get in there |
//! | `arena` | the memory of all that is registered |
//! | `verify` | whether two copies of an item are the same type |
//! | `building` | running an initializer, and what runs above it on this thread |
//! | `local` | thread-local values |
//! | `threads` | what each thread has, and its end |
//! | `process` | process-wide values: built once, waited for, poisoned |
//! | `entries` | the list of what a thread has to do before it ends |
//! | `exit` | what plugins leave on threads besides values |
//! | `progress` | whether plugins are being unloaded, and waiting for it |
//! | `unloading` | freeing a plugin from the store, or saying what holds it |
//! | `snapshot` | what is there, for people |
//! | `image` | what the system knows of the loaded binaries |
//! | `api` | all of the above behind the binary contract |
//!
//! All but `api` is plain Rust that needs no loaded library.
//!
//! # Locks
//!
//! User code never runs under a lock. `registry` has one, taken when binaries connect, when an item is registered and by
//! snapshots; `process` has one per item and one for who waits for whom, which comes first where both are held; `threads`
//! has one for which threads there are, and one per thread for its list, which comes second.

#![cfg_attr(not(feature = "host"), allow(dead_code, reason = "without a host nobody looks, and nobody unloads"))]

pub(crate) mod api;
mod arena;
mod building;
mod entries;
mod exit;
pub(crate) mod image;
mod local;
mod process;
pub(crate) mod progress;
mod registration;
pub(crate) mod registry;
#[cfg(feature = "host")]
pub(crate) mod snapshot;
pub(crate) mod threads;
#[cfg(feature = "host")]
pub(crate) mod unloading;
pub(crate) mod verify;

use std::sync::OnceLock;

use crate::{binary, layout};
use registry::{Binary, Registry};

/// The store of this binary.
pub(crate) static REGISTRY: Registry = Registry::new();

/// This binary in its own store.
pub(crate) fn own_binary() -> *const Binary {
    static OWN: OnceLock<&Binary> = OnceLock::new();
    *OWN.get_or_init(|| {
        // This binary may be a library; where the system does not tell, it is taken to be the program.
        let file = image::file_of((&raw const REGISTRY).cast()).or_else(|| std::env::current_exe().ok());
        let name = file.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let host = Binary::new(name.unwrap_or_default(), binary::COMPILER, layout::LAYOUTS, true, false);
        Box::leak(Box::new(host))
    })
}
