//! The part that every binary of the benchmarks has: the function that the host calls to get a time, the loops that
//! take it, and std's items as the reference.
//!
//! Each binary links its own copy of this crate, so the loops and the calls of the clock are the same code in all of
//! them.

#![forbid(unsafe_code)]

mod items;
mod reference;
mod subject;
mod timing;

use std::cell::Cell;

pub use bench_plan::Work;
pub use items::joined;
pub use reference::find as find_reference;
pub use timing::answer;

/// The items that a work uses.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// No items: the work calls a function that returns a constant.
    Empty,
    /// `thread_local!` and `LazyLock` of std.
    Std,
    /// plugin_tls of this workspace, with items that the host has too.
    Ours,
    /// plugin_tls of this workspace, with items that only the plugin has.
    OursAlone,
    /// plugin_tls 0.4.1 from the registry.
    Peer,
    Rubicon,
    LazyStatic,
    OnceCell,
}

/// What the host asks a binary to do.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub work: Work,
    pub subject: Subject,
    /// The number of threads that do [`Work::ReadTogether`].
    pub threads: u32,
    /// How many items a thread touches.
    pub items: u32,
    /// How many reads each thread makes, or how many threads touch items one after another.
    pub iterations: u64,
}

/// The type of [`MEASURE`], which returns the nanoseconds for all iterations, or [`UNKNOWN`].
///
/// For [`Work::ReadTogether`], it is the time that each thread would take if all ran at the average speed.
pub type Measure = extern "C" fn(&Request) -> f64;

/// The symbol under which a library exports its [`Measure`].
pub const MEASURE: &[u8] = b"bench_measure";

/// The result if the binary does not have the requested work or subject.
pub const UNKNOWN: f64 = -1.0;

/// Touches an item.
pub type Touch = fn() -> u64;

/// The code that a work runs for a subject.
#[derive(Debug, Clone, Copy)]
pub enum Measured {
    /// A loop of the given number of iterations. It returns a sum that depends on all of them.
    Loop(fn(u64) -> u64),
    Items(&'static [Touch]),
}

/// A value with a destructor that the compiler cannot remove.
#[derive(Debug)]
pub struct Droppable(Cell<u64>);

impl Droppable {
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Droppable(Cell::new(seed()))
    }

    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

impl Default for Droppable {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Droppable {
    fn drop(&mut self) {
        std::hint::black_box(self.0.get());
    }
}

/// Returns a value that the compiler does not know.
#[inline(never)]
#[must_use]
pub fn seed() -> u64 {
    std::hint::black_box(1)
}
