//! `thread_local!` and `lazy_static!` whose values a host and its plugins share.
//!
//! A program that loads plugins (cdylibs) has one copy of every `static` and every `thread_local!` in each binary, so
//! loggers, contexts, registries and runtimes that both sides link silently split in two. Items declared with the macros
//! of this crate are one per process, or one per thread, whichever binary touches them first.
//!
//! ```
//! use std::cell::Cell;
//! use std::sync::Mutex;
//!
//! plugin_tls::thread_local! {
//!     /// The request that this thread works on.
//!     pub static REQUEST: Cell<u64> = const { Cell::new(0) };
//! }
//!
//! plugin_tls::lazy_static! {
//!     /// What plugins have registered.
//!     pub static ref COMMANDS: Mutex<Vec<String>> = Mutex::default();
//! }
//!
//! REQUEST.set(7);
//! COMMANDS.lock().unwrap().push("help".to_owned());
//! ```
//!
//! | crate | depends on | what it does |
//! |---|---|---|
//! | the one that declares items, linked by host and plugins | `plugin_tls_core` | uses the macros |
//! | the host | `plugin_tls` with the feature `host` | loads plugins: [`host::Plugin::load`](crate::host::Plugin::load) |
//! | a plugin, a cdylib | `plugin_tls` with the feature `plugin` | calls [`export_plugin!`](crate::export_plugin) once |
//!
//! This crate has everything of `plugin_tls_core`, and a crate that declares items may use it as well. But features of a
//! dependency are part of a crate's identity for the compiler: if the host's build of that crate sees this one with other
//! features than the plugin's build, its types have two `TypeId`s. `plugin_tls_core` has no features.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, unreachable_pub)]

#[cfg(feature = "plugin")]
mod allocator;
#[cfg(feature = "plugin")]
mod export;
#[cfg(feature = "host")]
pub mod host;
#[cfg(all(feature = "plugin", target_os = "linux"))]
mod takeover;

#[cfg(feature = "plugin")]
pub use allocator::HostAllocator;
pub use plugin_tls_core::{
    AccessError, AccessErrorReason, ConnectError, Context, LazyStatic, LocalKey, Shape, initialize, lazy_static, shape,
    thread_local,
};

/// Makes this cdylib a plugin that [`host::Plugin::load`](crate::host::Plugin::load) can load.
///
/// Once in the plugin's crate, with nothing else to write. It exports the symbol `plugin_tls_entry`. In a plugin, an access
/// to an item is an error until a host has connected it.
///
/// `export_plugin!(by_hand)` is for a library that another loader loads, and that gets its [`Context`] by a call of its own:
/// it exports nothing, and accesses are an error until [`Context::initialize`] was called.
///
/// # Allocator
///
/// The macro defines the plugin's global allocator, a [`HostAllocator`], so that what the plugin allocates can be freed by its
/// host, and the other way round. A plugin with a `#[global_allocator]` of its own says so:
/// `export_plugin!(allocator = own)`, or `export_plugin!(by_hand, allocator = own)`. The host loads such a plugin if both
/// allocators pass everything on to the system's, as one does that only counts, and refuses it if they are known to differ.
/// Where that cannot be known (without glibc 2.33 or newer, or under a sanitizer), the author of the plugin is responsible.
///
/// # Crate types
///
/// What the macro adds depends on the crate's type:
///
/// | `crate-type` | what is added |
/// |---|---|
/// | `["cdylib"]` | everything |
/// | `["cdylib", "rlib"]` and the like | the plugin can be loaded, but not unloaded: it does not take over the thread-locals, keys and threads of its own std, because those definitions would be the program's where the crate is linked into one. For the same reason it has no global allocator from the macro: it can name [`HostAllocator`] |
/// | others, and tests | nothing: a crate that is linked into a program is no plugin there |
///
/// The macro sees the arguments of the compiler, as Cargo passes them. It does not see a `#![crate_type]` attribute.
///
/// ```standalone_crate
/// plugin_tls::export_plugin!();
/// # fn main() {}
/// ```
#[cfg(feature = "plugin")]
#[macro_export]
macro_rules! export_plugin {
    ($($option:tt)*) => {
        $crate::__private::export_plugin_items! { $crate $($option)* }
    };
}

/// Needs the feature `plugin`, which this build of `plugin_tls` does not have.
///
/// ```compile_fail
/// plugin_tls::export_plugin!();
/// ```
#[cfg(not(feature = "plugin"))]
#[macro_export]
macro_rules! export_plugin {
    ($($option:tt)*) => {
        $crate::__private::compile_error! {
            "`export_plugin!` needs the feature `plugin` of the crate plugin_tls: write `plugin_tls = { version = \"0.5\", features = [\"plugin\"] }` in this crate's Cargo.toml"
        }
    };
}

/// What the macros' expansions name. Not for users: it changes with any version.
#[doc(hidden)]
#[allow(missing_docs, reason = "not for users")]
pub mod __private {
    pub use core::compile_error;
    pub use plugin_tls_core::__private::*;

    #[cfg(feature = "plugin")]
    pub use crate::export::{entry, use_allocator};
    #[cfg(feature = "plugin")]
    pub use core::arch::global_asm;
    #[cfg(feature = "plugin")]
    pub use core::prelude::v1::global_allocator;
    #[cfg(feature = "plugin")]
    pub use plugin_tls_abi::own_store_symbol;
    #[cfg(feature = "plugin")]
    pub use plugin_tls_abi::table::Entry;
    #[cfg(feature = "plugin")]
    pub use plugin_tls_macros::export_plugin_items;

    /// What the hidden functions of `export_plugin!` lead to.
    #[cfg(all(feature = "plugin", target_os = "linux"))]
    pub mod takeover {
        pub use crate::takeover::{at_thread_exit, key_create, key_delete, key_set, thread_create};
    }
}
