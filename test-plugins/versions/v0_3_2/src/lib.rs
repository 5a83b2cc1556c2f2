//! Version 0.3.2, with some of the items of 0.3.1.

use std::cell::Cell;
use std::sync::Mutex;

use abi_stable::StableAbi;

plugin_tls_abi_stable::thread_local!(pub static COUNT: Cell<u32> = const { Cell::new(0) });
plugin_tls_abi_stable::lazy_static!(pub static ref NAMES: Mutex<Vec<String>> = Mutex::default(););
plugin_tls_abi_stable::thread_local!(pub static STYLE: Cell<Style> = Cell::default());

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Default)]
pub struct Style {
    pub bold: bool,
    pub size: u16,
}
