//! An item whose type differs between two versions that Cargo considers compatible.

use std::cell::Cell;

/// The type of [`SHAPE`].
#[derive(Clone, Copy, Debug)]
pub struct Shape(pub u32);

plugin_tls_abi_stable::thread_local! {
    /// Only plugins link this crate.
    pub static SHAPE: Cell<Shape> = const { Cell::new(Shape(7)) };
}
