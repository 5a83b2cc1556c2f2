//! Version 0.3.3, which changes what a patch release must not change.

use std::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use abi_stable::StableAbi;
use abi_stable::external_types::RMutex;
use abi_stable::std_types::RVec;

pub use geometry::Position;

// Unchanged.
plugin_tls_abi_stable::thread_local!(pub static COUNT: Cell<u32> = const { Cell::new(0) });
plugin_tls_abi_stable::lazy_static!(pub static ref NAMES: Mutex<Vec<String>> = Mutex::default(););

// New in this version, so the host has nothing to compare it with.
plugin_tls_abi_stable::thread_local!(pub static ADDED: Cell<u32> = const { Cell::new(0) });

// In 0.3.1, this is a thread-local.
plugin_tls_abi_stable::lazy_static!(pub static ref MODE: AtomicU32 = AtomicU32::new(0););
// In 0.3.1, these have other types.
plugin_tls_abi_stable::thread_local!(pub static LIMITS: Cell<Limits> = Cell::default());
plugin_tls_abi_stable::thread_local!(pub static BLOCK: Cell<Block> = Cell::default());
plugin_tls_abi_stable::lazy_static!(pub static ref HANDLE: Handle = Handle(7););
plugin_tls_abi_stable::lazy_static!(pub static ref BUFFER: Buffer = Buffer([0; 3]););
plugin_tls_abi_stable::thread_local!(pub static SCALE: Cell<Scale> = Cell::default());
plugin_tls_abi_stable::thread_local!(pub static NUMBER: Cell<Number> = Cell::default());
plugin_tls_abi_stable::thread_local!(pub static NUMBERS: RVec<Number> = RVec::new());
plugin_tls_abi_stable::lazy_static!(pub static ref LOCKED: RMutex<Number> = RMutex::new(Number::default()););
plugin_tls_abi_stable::thread_local!(pub static BORROWED: RefCell<Number> = RefCell::default());
plugin_tls_abi_stable::thread_local!(pub static POSITION: RefCell<Position> = RefCell::default());

/// In 0.3.1, this is `u32`.
pub type Number = i32;

/// In 0.3.1, this has one field.
#[derive(Clone, Copy, Default)]
pub struct Limits {
    pub memory: u64,
    pub files: u64,
}

/// In 0.3.1, this has the alignment of its field.
#[repr(align(16))]
#[derive(Clone, Copy, Default)]
pub struct Block(pub [u64; 2]);

/// In 0.3.1, this has no destructor.
pub struct Handle(pub u64);

impl Drop for Handle {
    fn drop(&mut self) {}
}

/// In 0.3.1, the elements are `u32`s.
pub struct Buffer(pub [u64; 3]);

/// In 0.3.1, the fields have the opposite order.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Default)]
pub struct Scale {
    pub factor: f32,
    pub steps: u32,
}

mod geometry {
    /// In 0.3.1, this is in the root module.
    #[derive(Default)]
    pub struct Position {
        pub line: u32,
    }
}
