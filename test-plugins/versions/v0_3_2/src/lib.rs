//! 0.3.2: a patch release with the items of 0.3.1. It renamed the fields of `Span`, which it should not have done.

use std::cell::Cell;
use std::sync::Mutex;

use abi_stable::StableAbi;

plugin_tls_abi_stable::thread_local!(pub static COUNT: Cell<u32> = const { Cell::new(0) });
plugin_tls_abi_stable::lazy_static!(pub static ref NAMES: Mutex<Vec<String>> = Mutex::default(););
plugin_tls_abi_stable::thread_local!(pub static STYLE: Cell<Style> = Cell::default());
plugin_tls_abi_stable::thread_local!(pub static SPAN: Cell<Span> = Cell::default());

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Default)]
pub struct Style {
    pub bold: bool,
    pub size: u16,
}

/// It was `start` and `end`.
#[derive(Clone, Copy, Default)]
pub struct Span {
    pub offset: u32,
    pub length: u32,
}
