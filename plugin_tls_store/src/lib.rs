//! The store of `plugin_tls`: who uses it, which items there are, and their values.
//!
//! This crate is an implementation detail: it changes with any version. Use `plugin_tls` in hosts and plugins, and
//! `plugin_tls_core` in crates that declare items.
//!
//! Each binary that links `plugin_tls_core` has a store, unless it is a plugin: the core refers to it through one symbol,
//! which `export_plugin!` defines as null, so that the linker leaves the store out.
//!
//! | module | subject |
//! |---|---|
//! | [`allocator`] | the host's allocator as plugins call it, and whether another one is the same |
//! | `arena`, `memory` | memory that is freed as one; memory for one value |
//! | [`progress`] | waking threads that wait for an unload |
//! | `slots`, `locals` | the slots of each thread; the thread-locals of one store |
//! | [`hidden_state`] | types whose values rely on statics of their crate |
//! | [`mismatch`] | why an item cannot be shared |
//! | [`proof`] | what proves that two copies have the same type |
//! | [`records`] | binaries, and the record of each item with its copies: data only |
//! | [`builds`], `std_types` | how two builds of a crate differ; which types are std's |
//! | `shape` | comparing two descriptions of a type |
//! | `offered` | a copy that a binary offers, and what is wrong with it in words |
//! | `verify`, [`registry`] | judging two copies; looking up, taking out |
//! | `alike`, `registration` | which item a declaration is; adding |
//! | [`threads`] | what each thread has to do before it ends |
//! | [`values`] | finding values, and building those that are not there |
//! | [`mod@store`] | the store as a whole, and the one of this process |
//! | [`unload`] | taking a plugin out, or saying what holds it |
//! | `takeover` | what plugins leave on threads besides values |
//! | [`api`] | all of the above behind the binary contract |
//! | `symbol` | the symbol through which the binary finds its store |

#![warn(unreachable_pub)]

mod alike;
pub mod allocator;
pub mod api;
mod arena;
pub mod builds;
pub mod hidden_state;
mod locals;
mod memory;
pub mod mismatch;
mod offered;
pub mod progress;
pub mod proof;
pub mod records;
mod registration;
pub mod registry;
mod shape;
mod slots;
mod std_types;
pub mod store;
mod symbol;
mod takeover;
pub mod threads;
pub mod unload;
pub mod values;
mod verify;

pub use api::own_store;
pub use store::store;

#[cfg(test)]
mod tests;
