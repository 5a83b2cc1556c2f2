//! 0.3.4: as 0.3.1, with a type that has moved to another module: nothing proves that it is the same.

use std::cell::{Cell, RefCell};

pub use geometry::Position;

plugin_tls_abi_stable::thread_local!(pub static COUNT: Cell<u32> = const { Cell::new(0) });
plugin_tls_abi_stable::thread_local!(pub static POSITION: RefCell<Position> = RefCell::default());

mod geometry {
    #[derive(Default)]
    pub struct Position {
        pub line: u32,
    }
}
