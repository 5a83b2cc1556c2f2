//! The binary contract of `plugin_tls`, and what its crates need of the system.
//!
//! This crate is an implementation detail: it changes with any version. Use `plugin_tls` in hosts and plugins, and
//! `plugin_tls_core` in crates that declare items.
//!
//! A host and a plugin each have a copy of this crate. What one copy writes, the other reads, so everything that crosses
//! is `#[repr(C)]` or a number, and `layout` pins it. `docs/abi.md` in the repository is the reference.
//!
//! | module | subject |
//! |---|---|
//! | [`sync`] | locks without poisoning |
//! | [`text`] | texts, and sinks that texts are written to |
//! | [`header`] | how each structure starts, and the one check of it |
//! | [`allocator`] | the functions of an allocator, as one binary calls them in another |
//! | [`table`] | the host's table, descriptors of binaries and items, accesses |
//! | `layout` | assertions about sizes and offsets |
//! | [`identity`] | what makes two declarations the same item |
//! | [`shape`] | descriptions of types that two binaries can compare |
//! | [`row`] | the hot path: from an item's word to the calling thread's value |
//! | [`sys`] | loaded images, threads, keys and memory, as the system knows them |

#![warn(unreachable_pub)]

pub mod allocator;
pub mod header;
pub mod identity;
mod layout;
pub mod row;
pub mod shape;
pub mod sync;
pub mod sys;
pub mod table;
pub mod text;

/// The name of the symbol through which a binary finds the store that is linked into it: an
/// [`OwnStore`](table::OwnStore).
///
/// It has the version in it: two incompatible versions of these crates may be linked into one binary.
#[macro_export]
macro_rules! own_store_symbol {
    () => {
        "plugin_tls_own_store_0_5"
    };
}
