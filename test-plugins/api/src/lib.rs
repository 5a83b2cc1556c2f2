//! Items that the test host and its plugins share, and operations on them.
//!
//! Every binary links its own copy of this crate. The host calls an operation of its own copy directly, and an
//! operation of a plugin's copy with [`Operations::call`].

pub mod allocation;
pub mod building;
pub mod ending;
pub mod hot_path;
pub mod identity;
pub mod items;
pub mod operations;
pub mod outcome;
pub mod probe;
pub mod stable_root;
pub mod threads;
pub mod types;

pub use outcome::Outcome;
pub use probe::Operations;
