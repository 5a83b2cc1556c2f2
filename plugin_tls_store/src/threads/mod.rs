//! What each thread has: values, and what else must happen before it ends.
//!
//! | module | subject |
//! |---|---|
//! | `list` | the list of what a thread has to do before it ends |
//! | `current` | a thread's record, as the thread itself and as others see it |

pub(crate) mod current;
pub(crate) mod list;

pub use current::{Thread, Threads};
pub use list::{TaskKind, TaskRef};
