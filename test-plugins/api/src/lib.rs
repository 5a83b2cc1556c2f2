//! Items that the test host and its plugins share, and operations on them.
//!
//! Every binary links its own copy of this crate. An operation runs the copy of whichever binary it is called in: the
//! host calls it directly, or asks a plugin to, with [`Operations::call`].

pub mod building;
pub mod ending;
pub mod hot_path;
pub mod identity;
pub mod items;
pub mod operations;
pub mod probe;
pub mod stable_root;
pub mod threads;
pub mod types;

pub use probe::{Operations, Outcome};
