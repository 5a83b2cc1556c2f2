//! Version 0.3.5, which renames the fields of a type of 0.3.1. A patch release must not do that.

use std::cell::Cell;

plugin_tls_abi_stable::thread_local!(pub static COUNT: Cell<u32> = const { Cell::new(0) });
plugin_tls_abi_stable::thread_local!(pub static SPAN: Cell<Span> = Cell::default());

/// In 0.3.1, the fields are `start` and `end`.
#[derive(Clone, Copy, Default)]
pub struct Span {
    pub offset: u32,
    pub length: u32,
}
