//! Version 0.3.4, which moves a type of 0.3.1 to another module. The library cannot prove that both types are the same.

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
