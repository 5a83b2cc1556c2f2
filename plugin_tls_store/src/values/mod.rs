//! Finding values, and building those that are not there.
//!
//! | module | subject |
//! |---|---|
//! | `running` | running an initializer, and what runs above it on this thread |
//! | `local` | thread-local values |
//! | `process` | process-wide values: built once, waited for, poisoned |

pub(crate) mod local;
pub(crate) mod process;
mod running;

pub use process::ProcessView;
