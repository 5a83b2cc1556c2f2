//! For programs that load plugins.
//!
//! ```no_run
//! use plugin_tls::host::Plugin;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // SAFETY: a library of our own, whose `run` has this signature.
//!     let plugin = unsafe { Plugin::load("plugins/libgreeter.so")? };
//!     let run = unsafe { plugin.get::<extern "C" fn()>(b"run")? };
//!     run();
//!     println!("{}", plugin_tls::host::snapshot());
//!     Ok(())
//! }
//! ```

mod error;
mod file;
mod loaded;
mod plugin;
mod unload;

pub use error::LoadError;
pub use libloading::Symbol;
pub use plugin::{Plugin, PluginState};
pub use unload::{StillInUse, Unloaded, safe_point};

pub use crate::store::snapshot::{Snapshot, SnapshotItem, SnapshotKind, SnapshotState, snapshot};
pub use crate::store::unloading::{Blocker, BlockerKind, DanglingHint};
pub use crate::store::verify::{Mismatch, MismatchField, Side};
