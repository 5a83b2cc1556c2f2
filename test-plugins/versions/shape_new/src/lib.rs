//! A type that changes between two releases which Cargo holds to be compatible.

use std::cell::Cell;

/// The type of [`SHAPE`].
#[derive(Clone, Copy, Debug)]
pub struct Shape(pub u64);

plugin_tls_abi_stable::thread_local! {
    /// Only plugins have it.
    pub static SHAPE: Cell<Shape> = const { Cell::new(Shape(8)) };
}
