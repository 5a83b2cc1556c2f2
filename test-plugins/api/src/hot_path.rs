//! Accesses as the hot path serves them, each a function of its own: `cargo xtask ci` counts their instructions.

use std::sync::Mutex;

use crate::items::{COUNTER, REGISTRY};
use crate::operations::address;
use crate::probe::Operation;

/// Reads a thread-local.
#[inline(never)]
#[must_use]
pub fn hot_path_thread_local() -> u64 {
    COUNTER.get()
}

/// Finds a process-wide value.
#[inline(never)]
#[must_use]
pub fn hot_path_static() -> &'static Mutex<Vec<String>> {
    &REGISTRY
}

/// The two, called.
pub const OPERATIONS: &[Operation] = &[
    ("hot_path_thread_local", |_| hot_path_thread_local().into()),
    ("hot_path_static", |_| address(hot_path_static())),
];
