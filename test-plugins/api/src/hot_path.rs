//! Accesses that take the hot path, each in a function of its own, whose instructions `cargo xtask ci` counts.

use std::sync::Mutex;

use crate::items::{COUNTER, REGISTRY};
use crate::outcome::{Operation, address};

/// Reads a thread-local.
#[inline(never)]
#[must_use]
pub fn hot_path_thread_local() -> u64 {
    COUNTER.get()
}

/// Accesses a static.
#[inline(never)]
#[must_use]
pub fn hot_path_static() -> &'static Mutex<Vec<String>> {
    &REGISTRY
}

pub const OPERATIONS: &[Operation] = &[
    ("hot_path_thread_local", |_| hot_path_thread_local().into()),
    ("hot_path_static", |_| address(hot_path_static())),
];
