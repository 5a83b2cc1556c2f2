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
//!
//! | module | subject |
//! |---|---|
//! | `state` | what has become of a plugin |
//! | `file` | the plugin's file, before it is loaded and while it is |
//! | `error` | why a plugin was not loaded |
//! | `blocker` | what keeps a plugin from being unmapped |
//! | `symbol` | what a plugin exports |
//! | `loaded` | which plugins are loaded |
//! | `plugin` | a handle to a plugin |
//! | `load` | loading |
//! | `unload` | unloading |
//! | `report` | what a plugin shares |
//! | `snapshot` | what is in the store, for people |

mod blocker;
mod error;
mod file;
mod load;
mod loaded;
mod plugin;
mod report;
mod snapshot;
mod state;
mod symbol;
mod unload;

pub use blocker::Blocker;
pub use error::{LoadError, LoadErrorKind};
pub use load::LoadOptions;
pub use plugin::Plugin;
pub use plugin_tls_store::mismatch::{Mismatch, MismatchField, Side};
pub use plugin_tls_store::proof::SharingProof;
pub use plugin_tls_store::unload::{ItemInfo, ThreadInfo};
pub use report::{LoadReport, NearMiss, ReportItem, SharedWith};
pub use snapshot::{Snapshot, SnapshotItem, SnapshotKind, SnapshotState, snapshot};
pub use state::PluginState;
pub use symbol::Symbol;
pub use unload::{DanglingHint, StillInUse, Unloaded, safe_point};

/// Handles, reports and errors may be passed to other threads and shared between them.
const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}

    is_send_and_sync::<Plugin>();
    is_send_and_sync::<StillInUse>();
    is_send_and_sync::<Unloaded>();
    is_send_and_sync::<LoadError>();
    is_send_and_sync::<LoadOptions>();
    is_send_and_sync::<LoadReport>();
    is_send_and_sync::<Snapshot>();
    is_send_and_sync::<Blocker>();
    is_send_and_sync::<Symbol<'_, extern "C" fn()>>();
};
