//! What every binary of the benchmarks has: the names of works and subjects, the function by which the host asks for a
//! time, the loops that take it, and std's items to compare with.
//!
//! Each binary links a copy of this crate, so that the loops and the clock are its own, and the same code in all of them.

mod items;
mod reference;
mod subject;
mod timing;

use std::cell::Cell;

pub use items::joined;
pub use reference::find as find_reference;
pub use timing::answer;

/// What is done, and timed.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Reads a thread-local that was initialized at compile time and has no destructor: one out-of-line call.
    Read,
    /// Reads a thread-local that has a destructor: one out-of-line call.
    ReadDrop,
    /// Reads a thread-local in a loop, in place.
    ReadLoop,
    /// Counts up a thread-local in a loop, in place: each iteration waits for what the one before it has stored.
    CountLoop,
    /// Reads a lazily initialized static: one out-of-line call.
    Lazy,
    /// Touches thread-locals with destructors for the first time on a thread: the time of all touches, without the thread.
    Touch,
    /// Touches lazily initialized statics; for the first time, if it is asked for once.
    TouchLazy,
    /// Starts a thread that touches thread-locals with destructors, and waits until it has ended.
    Spawn,
}

/// Whose items it is done with.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Nobody's: the same calls of a function that returns a constant.
    Empty,
    /// std: `thread_local!` and `LazyLock`.
    Std,
    /// plugin_tls of this workspace; the host has the items too.
    Ours,
    /// plugin_tls of this workspace; the plugin alone has the items.
    OursAlone,
    /// plugin_tls 0.4.1 from the registry.
    Peer,
    Rubicon,
    LazyStatic,
    OnceCell,
}

/// What the host asks a binary for.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub work: Work,
    pub subject: Subject,
    /// On how many new threads at once an item is read; zero: on the calling thread.
    pub threads: u32,
    /// How many items a thread touches.
    pub items: u32,
    /// How many reads each thread makes, or how many threads touch items one after the other.
    pub iterations: u64,
}

/// The type of [`MEASURE`]: nanoseconds for all iterations, or [`UNKNOWN`].
///
/// Of several threads it is the time in which each would be done if all were as fast as the average one.
pub type Measure = extern "C" fn(&Request) -> f64;

/// The symbol under which a plugin exports its [`Measure`].
pub const MEASURE: &[u8] = b"bench_measure";

/// The binary has no such work or no such subject.
pub const UNKNOWN: f64 = -1.0;

/// Uses an item.
pub type Touch = fn() -> u64;

/// What a work is done with.
#[derive(Debug, Clone, Copy)]
pub enum Measured {
    /// A loop of so many iterations, which returns a sum that depends on all of them.
    Loop(fn(u64) -> u64),
    Items(&'static [Touch]),
}

/// A value with a destructor, which the compiler cannot leave out.
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

/// A value that the compiler does not know.
#[inline(never)]
#[must_use]
pub fn seed() -> u64 {
    std::hint::black_box(1)
}
