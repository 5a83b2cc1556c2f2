//! Items whose types have a stable layout, so that a host and plugins from different compilers can share them.
//!
//! Plugins export operations as `extern "C"` functions of numbers, which all compilers agree on.

use std::cell::Cell;

use abi_stable::StableAbi;
use abi_stable::external_types::RMutex;
use abi_stable::std_types::{RString, RVec};

plugin_tls_abi_stable::thread_local! {
    /// A number per thread.
    pub static COUNT: Cell<u32> = const { Cell::new(0) };

    /// A structure per thread.
    pub static POSITION: Cell<Position> = const { Cell::new(Position { x: 0, y: 0.0 }) };
}

plugin_tls_abi_stable::lazy_static! {
    /// A number per process.
    pub static ref TOTAL: RMutex<u64> = RMutex::new(1000);

    /// Texts per process.
    pub static ref NAMES: RMutex<RVec<RString>> = RMutex::new(RVec::new());
}

/// A structure with a stable layout.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq)]
pub struct Position {
    pub x: u32,
    pub y: f64,
}

/// An operation on the items, which any binary can run.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// Adds to [`COUNT`] and returns the sum.
    AddCount,
    CountAddress,
    /// Adds to [`TOTAL`] and returns the sum.
    AddTotal,
    TotalAddress,
    /// Adds a text to [`NAMES`] and returns the number of texts.
    PushName,
    /// Returns whether [`NAMES`] has the text that `PushName` adds.
    HasName,
    /// Adds to both fields of [`POSITION`] and returns their product.
    Move,
}

/// Runs an operation in the calling binary.
pub fn run(operation: Operation, argument: u64) -> u64 {
    match operation {
        Operation::AddCount => {
            COUNT.set(COUNT.get() + argument as u32);
            COUNT.get().into()
        }
        Operation::CountAddress => COUNT.with(address),
        Operation::AddTotal => {
            let mut total = TOTAL.lock();
            *total += argument;
            *total
        }
        Operation::TotalAddress => address(&*TOTAL),
        Operation::PushName => {
            let mut names = NAMES.lock();
            names.push(format!("name {argument}").into());
            names.len() as u64
        }
        Operation::HasName => {
            let wanted = format!("name {argument}");
            NAMES.lock().iter().any(|name| *name == wanted).into()
        }
        Operation::Move => {
            let Position { x, y } = POSITION.get();
            let moved = Position { x: x + argument as u32, y: y + argument as f64 };
            POSITION.set(moved);
            u64::from(moved.x) * moved.y as u64
        }
    }
}

fn address<T>(value: &T) -> u64 {
    std::ptr::from_ref(value).addr() as u64
}
