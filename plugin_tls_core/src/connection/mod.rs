//! This binary's way to a store: the one that is linked into it, or that of the host that connected it.
//!
//! | module | subject |
//! |---|---|
//! | `state` | which store this binary uses |
//! | `connect` | the handshake with a store: finding or checking its table, registering this binary and its items |
//! | `refusal` | why an access failed, in words |
//! | `access` | an access that the hot path could not serve |
//! | `context` | [`Context`]: a store as users pass it on |

mod access;
mod connect;
mod context;
mod refusal;
mod state;

pub(crate) use access::access;
pub use connect::{become_host, disconnect, initialize_for};
pub use context::Context;
pub use state::{is_host, loaded, mark_plugin};
