//! Version 0.3.1, which the host links. The other versions document what they change.
//!
//! Each item is declared in one line, because scenarios find the line by its text.

use std::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use abi_stable::StableAbi;
use abi_stable::external_types::RMutex;
use abi_stable::std_types::RVec;

// All versions have the same.
plugin_tls_abi_stable::thread_local!(pub static COUNT: Cell<u32> = const { Cell::new(0) });
plugin_tls_abi_stable::lazy_static!(pub static ref NAMES: Mutex<Vec<String>> = Mutex::default(););

// 0.3.2 has the same. Its layout proves that.
plugin_tls_abi_stable::thread_local!(pub static STYLE: Cell<Style> = Cell::default());
// 0.3.5 has other fields of the same size.
plugin_tls_abi_stable::thread_local!(pub static SPAN: Cell<Span> = Cell::default());

// 0.3.3 changes these.
plugin_tls_abi_stable::thread_local!(pub static MODE: AtomicU32 = const { AtomicU32::new(0) });
plugin_tls_abi_stable::thread_local!(pub static LIMITS: Cell<Limits> = Cell::default());
plugin_tls_abi_stable::thread_local!(pub static BLOCK: Cell<Block> = Cell::default());
plugin_tls_abi_stable::lazy_static!(pub static ref HANDLE: Handle = Handle(7););
plugin_tls_abi_stable::lazy_static!(pub static ref BUFFER: Buffer = Buffer([0; 3]););
plugin_tls_abi_stable::thread_local!(pub static SCALE: Cell<Scale> = Cell::default());
plugin_tls_abi_stable::thread_local!(pub static NUMBER: Cell<Number> = Cell::default());
plugin_tls_abi_stable::thread_local!(pub static NUMBERS: RVec<Number> = RVec::new());
plugin_tls_abi_stable::lazy_static!(pub static ref LOCKED: RMutex<Number> = RMutex::new(Number::default()););
plugin_tls_abi_stable::thread_local!(pub static BORROWED: RefCell<Number> = RefCell::default());

// 0.3.3 and 0.3.4 have another type with this name.
plugin_tls_abi_stable::thread_local!(pub static POSITION: RefCell<Position> = RefCell::default());

pub type Number = u32;

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Default)]
pub struct Style {
    pub bold: bool,
    pub size: u16,
}

#[derive(Clone, Copy, Default)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Copy, Default)]
pub struct Limits {
    pub memory: u64,
}

#[derive(Clone, Copy, Default)]
pub struct Block(pub [u64; 2]);

pub struct Handle(pub u64);

pub struct Buffer(pub [u32; 3]);

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Default)]
pub struct Scale {
    pub steps: u32,
    pub factor: f32,
}

#[derive(Default)]
pub struct Position {
    pub line: u32,
}

/// Two blocks that declare the same item. 0.3.6 has them in another order.
pub fn of_two(which: u8) -> u32 {
    match which {
        0 => {
            plugin_tls_abi_stable::thread_local!(static ALIKE: Cell<u32> = const { Cell::new(1) }); // a block of two
            ALIKE.get()
        }
        _ => {
            plugin_tls_abi_stable::thread_local!(static ALIKE: Cell<u32> = const { Cell::new(2) }); // another block of two
            ALIKE.get()
        }
    }
}

/// Two blocks that declare the same item. 0.3.6 has one of them.
pub fn of_some(which: u8) -> u32 {
    match which {
        0 => {
            plugin_tls_abi_stable::thread_local!(static ALIKE: Cell<u32> = const { Cell::new(1) }); // a block of some
            ALIKE.get()
        }
        _ => {
            plugin_tls_abi_stable::thread_local!(static ALIKE: Cell<u32> = const { Cell::new(2) }); // another block of some
            ALIKE.get()
        }
    }
}
