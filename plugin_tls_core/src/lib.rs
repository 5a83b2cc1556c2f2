//! `thread_local!` and `lazy_static!` whose values a host and its plugins share: what crates that declare items need.
//!
//! A program that loads plugins (cdylibs) has one copy of every `static` and every `thread_local!` in each binary, so
//! loggers, contexts, registries and runtimes that both sides link silently split in two. Items declared with the macros
//! of this crate are one per process, or one per thread, whichever binary touches them first.
//!
//! ```
//! use std::cell::Cell;
//! use std::sync::Mutex;
//!
//! plugin_tls_core::thread_local! {
//!     /// The request that this thread works on.
//!     pub static REQUEST: Cell<u64> = const { Cell::new(0) };
//! }
//!
//! plugin_tls_core::lazy_static! {
//!     /// What plugins have registered.
//!     pub static ref COMMANDS: Mutex<Vec<String>> = Mutex::default();
//! }
//!
//! REQUEST.set(7);
//! COMMANDS.lock().unwrap().push("help".to_owned());
//! ```
//!
//! Hosts and plugins use the crate `plugin_tls`, which has everything of this one, and besides it the loader (feature
//! `host`) and `export_plugin!` (feature `plugin`). A crate that declares items should depend on this one: it has no
//! features, so the compiler sees the declaring crate in the same way in host and plugins, and its types keep their
//! `TypeId`s.
//!
//! A binary that no host has connected has a store of its own: tests, build scripts and other programs work as ever.
//!
//! # Types
//!
//! A plugin is refused if it is not proven to mean the same types. `#[derive(Shape)]` makes a type's structure part of the
//! proof, so that the builds of host and plugin may differ in other things: see [`Shape`](trait@Shape).
//!
//! # How it works
//!
//! Each item has a key, made of the names of package and crate, the compatible version, the module, the enclosing function,
//! the item's name and its type as written: the same for every compiler, profile and platform. The host has a store. A plugin gets
//! a pointer to the store's table when it is loaded, and registers its items, which the store verifies one by one: a
//! plugin that means another type by the same key is refused with a reason. A thread-local access then is a look into the
//! calling thread's slots, which a plugin finds without calling anybody.

#![warn(missing_docs, unreachable_pub)]

// Derives in this crate's own tests name it so.
#[cfg(test)]
extern crate self as plugin_tls_core;

mod connection;
mod constructor;
mod error;
mod item;
mod lazy;
mod list;
mod local_key;
mod shape;

pub use connection::Context;
pub use error::{AccessError, AccessErrorReason, ConnectError};
pub use lazy::{LazyStatic, initialize};
pub use local_key::LocalKey;
/// # Example
///
/// ```
/// use plugin_tls_core::Shape;
///
/// #[derive(Shape)]
/// pub enum Command<T> {
///     Run(Vec<T>),
///     Stop { after: std::time::Duration },
/// }
/// ```
pub use plugin_tls_macros::Shape;
/// # Example
///
/// ```
/// use plugin_tls_core::Shape;
///
/// #[plugin_tls_core::shape]
/// pub trait Command {
///     fn name(&self) -> String;
///     fn run(&mut self, arguments: &[String]) -> Result<(), String>;
/// }
///
/// #[derive(Shape)]
/// pub struct Commands(Vec<Box<dyn Command + Send>>);
/// ```
pub use plugin_tls_macros::shape;
pub use shape::Shape;

/// Keys may be used on every thread, whatever their values are; contexts and errors may be passed on.
const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}

    is_send_and_sync::<LocalKey<*mut ()>>();
    is_send_and_sync::<Context>();
    is_send_and_sync::<AccessError>();
    is_send_and_sync::<ConnectError>();
};

/// Declares thread-locals that host and plugins share.
///
/// The grammar is that of [`std::thread_local!`]: any number of items with attributes and visibilities, with or without
/// a last semicolon, with lazy initializers or `const { .. }` ones. Each item is a constant of type [`LocalKey`].
///
/// An item's identity is made of what is written: renaming or moving it, changing its type or the crate's incompatible
/// version makes it another item. Items of one function that have the same name and type, in two of its blocks, are told
/// apart by their order; a plugin that was built from other sources is refused then.
///
/// ```
/// use std::cell::{Cell, RefCell};
///
/// plugin_tls_core::thread_local! {
///     pub static DEPTH: Cell<u32> = const { Cell::new(0) };
///
///     static TAGS: RefCell<Vec<String>> = RefCell::new(Vec::new());
/// }
///
/// DEPTH.set(1);
/// TAGS.with_borrow_mut(|tags| tags.push("new".to_owned()));
/// assert_eq!(DEPTH.get(), 1);
/// ```
#[macro_export]
macro_rules! thread_local {
    ($($items:tt)*) => {
        $crate::__private::thread_local_items! { $crate $($items)* }
    };
}

/// Declares lazily initialized statics that host and plugins share.
///
/// The grammar is that of lazy_static 1.5: any number of items with attributes and visibilities, each with its
/// semicolon. Each item is a static of a type of its own, which dereferences to the value. The value's type must be
/// [`Sync`].
///
/// The initializer runs once. If it panics, the item is poisoned: every later use panics too.
///
/// ```
/// use std::sync::Mutex;
///
/// plugin_tls_core::lazy_static! {
///     /// Commands by name.
///     pub static ref COMMANDS: Mutex<Vec<&'static str>> = Mutex::new(vec!["help"]);
/// }
///
/// assert_eq!(COMMANDS.lock().unwrap().len(), 1);
/// ```
#[macro_export]
macro_rules! lazy_static {
    ($($items:tt)*) => {
        $crate::__private::lazy_static_items! { $crate $($items)* }
    };
}

/// What the macros' expansions and the other crates of this project name. Not for users: it changes with any version.
#[doc(hidden)]
#[allow(missing_docs, reason = "not for users")]
pub mod __private {
    pub use core::any::{type_name, type_name_of_val};
    pub use core::marker::{Send, Sync};
    pub use core::mem::offset_of;
    pub use core::ops::Deref;
    pub use core::primitive;
    pub use core::{cfg, concat, file, line, module_path};

    pub use plugin_tls_macros::{lazy_static_items, thread_local_items};

    pub use crate::__constructor as constructor;
    pub use crate::connection::{choose_allocator, chosen_allocator};
    pub use crate::connection::{connected_by_loader, disconnect, initialize_for, is_host, mark_plugin, use_own_store};
    pub use crate::item::{
        BuildOfCrate, Item, Layout, LocalItem, NoLayout, Probe, RawItem, StaticItem, describe, shape_of,
    };
    pub use crate::shape::{Describer, Found, ShapeProbe, shape_text};
}
