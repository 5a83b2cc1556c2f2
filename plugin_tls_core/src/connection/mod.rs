//! This binary's way to a store: the one that is linked into it, or that of the host that connected it.
//!
//! | module | subject |
//! |---|---|
//! | `state` | which store this binary uses |
//! | `allocator` | which allocator this binary's memory comes from |
//! | `connect` | the handshake with a store: checking its table, registering this binary and its items |
//! | `own_store` | the store that is linked into this binary, and deciding to use it |
//! | `refusal` | why an access failed, in words |
//! | `access` | an access that the hot path could not serve |
//! | `context` | [`Context`]: a store as users pass it on |

mod access;
mod allocator;
mod connect;
mod context;
mod own_store;
mod refusal;
mod state;

pub(crate) use access::access;
pub use allocator::{choose_allocator, chosen_allocator};
pub use connect::{disconnect, initialize_for};
pub use context::Context;
pub use own_store::use_own_store;
pub use state::{connected_by_loader, is_host, mark_plugin};
