//! `plugin_tls` for crates whose types implement [`StableAbi`](abi_stable::StableAbi).
//!
//! The macros are those of `plugin_tls_core`. They also look for a `StableAbi` implementation of each item's type, and where
//! there is one, host and plugins compare the type's layout: the only proof that holds across compilers. There is nothing
//! else to write.
//!
//! ```
//! use std::cell::Cell;
//!
//! use abi_stable::StableAbi;
//!
//! #[repr(C)]
//! #[derive(StableAbi, Clone, Copy)]
//! pub struct Position {
//!     x: u32,
//!     y: u32,
//! }
//!
//! plugin_tls_abi_stable::thread_local! {
//!     pub static POSITION: Cell<Position> = const { Cell::new(Position { x: 1, y: 2 }) };
//! }
//!
//! assert_eq!(POSITION.get().y, 2);
//! ```
//!
//! A crate that declares items depends on this crate instead of `plugin_tls_core`. Hosts and plugins need no change.

#![warn(missing_docs, unreachable_pub)]

mod context;
mod layout;
mod probe;

pub use context::Context;
pub use plugin_tls_core::{
    AccessError, AccessErrorReason, ConnectError, LazyStatic, LocalKey, Shape, initialize, shape,
};

/// As `plugin_tls_core::thread_local!`, for items whose types may implement `StableAbi`.
///
/// ```
/// use std::cell::Cell;
///
/// plugin_tls_abi_stable::thread_local! {
///     static DEPTH: Cell<u32> = const { Cell::new(0) };
/// }
///
/// DEPTH.set(1);
/// assert_eq!(DEPTH.get(), 1);
/// ```
#[macro_export]
macro_rules! thread_local {
    ($($items:tt)*) => {
        $crate::__private::thread_local_items! { $crate $($items)* }
    };
}

/// As `plugin_tls_core::lazy_static!`, for items whose types may implement `StableAbi`.
///
/// ```
/// use abi_stable::external_types::RMutex;
/// use abi_stable::std_types::RString;
///
/// plugin_tls_abi_stable::lazy_static! {
///     static ref NAME: RMutex<RString> = RMutex::new(RString::from("a"));
/// }
///
/// assert_eq!(NAME.lock().as_str(), "a");
/// ```
#[macro_export]
macro_rules! lazy_static {
    ($($items:tt)*) => {
        $crate::__private::lazy_static_items! { $crate $($items)* }
    };
}

/// What the macros' expansions name. Not for users: it changes with any version.
#[doc(hidden)]
#[allow(missing_docs, reason = "not for users")]
pub mod __private {
    pub use plugin_tls_core::__private::{
        BuildOfCrate, Deref, Describer, LocalItem, Send, ShapeProbe, StaticItem, Sync, concat, constructor, describe,
        file, lazy_static_items, line, module_path, offset_of, primitive, shape_of, thread_local_items, type_name,
        type_name_of_val,
    };

    pub use crate::probe::Probe;
}
