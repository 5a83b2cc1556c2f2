//! The crates, and which of their types rely on which of their statics.
//!
//! Each entry was found in the source of the version that it names. `docs/sharing.md` has the same table for people, and
//! the tests of `test-plugins/hidden-api` and `test-plugins/hidden-names` compare the types with the names that the
//! compiler gives to the real ones.

#![forbid(unsafe_code)]

/// Statics that values of some types rely on, of which each binary has its own.
///
/// ```
/// use plugin_tls_store::hidden_state::relied_on;
///
/// let reliance = relied_on("parking_lot::once::Once").next().unwrap();
/// assert_eq!(reliance.state.krate, "parking_lot_core");
/// assert!(reliance.state.statics.contains("HASHTABLE"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HiddenState {
    /// The crate that declares the statics, as the first segment of a module path names it. Where it declares them as
    /// items of this project, and two binaries have registered items of it, the two have the same state. `std` does not.
    pub krate: &'static str,
    /// The version whose source was read.
    pub read: &'static str,
    /// The statics, in words.
    pub statics: &'static str,
    /// What happens to a value that two binaries use.
    pub seen: &'static str,
    /// What to share instead, as advice.
    pub instead: &'static str,
}

/// Types that rely on a state.
#[derive(Debug)]
pub(super) struct Row {
    /// How the type's path begins, as [`type_name`](std::any::type_name) prints it. With `::` at the end, all types in
    /// that crate or module.
    pub(super) path: &'static str,
    /// What follows the path where the type does not rely on the state after all.
    pub(super) except: &'static [&'static str],
    pub(super) state: &'static HiddenState,
}

const fn row(path: &'static str, state: &'static HiddenState) -> Row {
    Row { path, except: &[], state }
}

/// In the order of the paths, which the search relies on.
pub(super) static ROWS: &[Row] = &[
    row("arc_swap::", &ARC_SWAP),
    row("async_io::Async", &ASYNC_IO),
    row("async_io::Timer", &ASYNC_IO),
    row("async_std::net::", &ASYNC_IO),
    Row { path: "atomic::Atomic", except: LOCK_FREE, state: &ATOMIC },
    row("crossbeam_channel::", &CROSSBEAM_CHANNEL),
    row("crossbeam_deque::deque::Stealer", &CROSSBEAM_EPOCH),
    row("crossbeam_deque::deque::Worker", &CROSSBEAM_EPOCH),
    row("crossbeam_epoch::atomic::Atomic", &CROSSBEAM_EPOCH),
    row("crossbeam_skiplist::map::", &CROSSBEAM_EPOCH),
    row("crossbeam_skiplist::set::", &CROSSBEAM_EPOCH),
    Row { path: "crossbeam_utils::atomic::atomic_cell::AtomicCell", except: LOCK_FREE, state: &ATOMIC_CELL },
    row("dashmap::", &PARKING_LOT),
    row("flurry::", &SEIZE),
    row("fragile::", &THREAD_ID),
    row("haphazard::", &HAPHAZARD),
    row("hyper_util::client::legacy::", &TOKIO),
    row("hyper_util::rt::tokio::", &TOKIO),
    row("internment::arc::", &INTERNMENT_ARC),
    row("internment::intern::", &INTERNMENT),
    row("lasso::threaded_rodeo::", &PARKING_LOT),
    row("moka::", &CROSSBEAM_EPOCH),
    row("opentelemetry::context::ContextGuard", &OPENTELEMETRY),
    row("papaya::", &SEIZE),
    row("parking_lot::", &PARKING_LOT),
    row("quick_cache::sync::", &PARKING_LOT),
    row("rayon_core::", &RAYON),
    row("reqwest::async_impl::client::", &TOKIO),
    row("scc::", &SDD),
    row("sdd::", &SDD),
    row("seize::", &SEIZE),
    row("send_wrapper::", &THREAD_ID),
    row("sharded_slab::", &SHARDED_SLAB),
    row("sled::", &CROSSBEAM_EPOCH),
    row("slog_scope::GlobalLoggerGuard", &SLOG_SCOPE),
    row("std::io::stdio::Stderr", &REENTRANT_LOCK),
    row("std::io::stdio::StderrLock", &REENTRANT_LOCK),
    row("std::io::stdio::Stdout", &REENTRANT_LOCK),
    row("std::io::stdio::StdoutLock", &REENTRANT_LOCK),
    row("std::sync::reentrant_lock::", &REENTRANT_LOCK),
    row("string_cache::atom::Atom", &STRING_CACHE),
    row("symbol_table::global::", &SYMBOL_TABLE),
    row("thread_local::", &THREAD_LOCAL),
    row("tokio::fs::", &TOKIO),
    row("tokio::io::util::mem::", &TOKIO_SYNC),
    row("tokio::net::", &TOKIO),
    row("tokio::process::", &TOKIO),
    row("tokio::runtime::", &TOKIO),
    row("tokio::signal::", &TOKIO),
    row("tokio::sync::", &TOKIO_SYNC),
    row("tokio::task::", &TOKIO),
    row("tokio::time::", &TOKIO),
    row("tokio_util::sync::", &TOKIO_SYNC),
    row("tokio_util::task::", &TOKIO_SYNC),
    row("tokio_util::time::", &TOKIO),
    row("tracing_core::dispatcher::DefaultGuard", &TRACING),
    row("tracing_subscriber::registry::sharded::", &SHARDED_SLAB),
    row("tracing_subscriber::reload::", &TRACING_CALLSITES),
    row("ustr::", &USTR),
];

/// Arguments of `AtomicCell` and `Atomic` that a processor reads and writes at once, so that no lock is needed.
#[cfg(target_pointer_width = "64")]
const LOCK_FREE: &[&str] = &[
    "<()>", "<bool>", "<char>", "<f32>", "<f64>", "<i16>", "<i32>", "<i64>", "<i8>", "<isize>", "<u16>", "<u32>",
    "<u64>", "<u8>", "<usize>",
];
#[cfg(not(target_pointer_width = "64"))]
const LOCK_FREE: &[&str] = &["<()>", "<bool>", "<i16>", "<i8>", "<isize>", "<u16>", "<u8>", "<usize>"];

const PARKING_LOT: HiddenState = HiddenState {
    krate: "parking_lot_core",
    read: "0.9.12",
    statics: "`HASHTABLE`, the table of parked threads",
    seen: "a thread that waits for the lock in one binary is not woken by another",
    instead: "use the locks of `std::sync`, or a map of std's in one of them",
};

const TOKIO_SYNC: HiddenState = HiddenState {
    krate: "parking_lot_core",
    read: "0.9.12, tokio 1.54.1",
    statics: "`HASHTABLE`, the table of parked threads, if tokio has the feature `parking_lot`, which is part of `full`",
    seen: "a thread that waits for an inner lock in one binary is not woken by another",
    instead: "use the channels of `std`, `futures-channel` or `flume`, or the locks of `async-lock`",
};

const TOKIO: HiddenState = HiddenState {
    krate: "tokio",
    read: "1.54.1",
    statics: "`CONTEXT`, the runtime that a thread is in",
    seen: "code of another binary than the runtime's finds no runtime, in its own tasks too: `spawn` and timers panic",
    instead: "share a function of the binary that has the runtime, which spawns a task for others",
};

const RAYON: HiddenState = HiddenState {
    krate: "rayon_core",
    read: "1.13.0",
    statics: "`WORKER_THREAD_STATE`, which pool a thread is part of",
    seen: "code of another binary does not know the pool's threads as such: `install` panics",
    instead: "share a function of the binary that has the pool, which runs work for others",
};

const ARC_SWAP: HiddenState = HiddenState {
    krate: "arc_swap",
    read: "1.9.5",
    statics: "`LIST_HEAD`, the list of values that readers borrow",
    seen: "a value that is replaced in one binary is freed while another reads it",
    instead: "use `RwLock<Arc<T>>` of std",
};

const CROSSBEAM_EPOCH: HiddenState = HiddenState {
    krate: "crossbeam_epoch",
    read: "0.9.21",
    statics: "`COLLECTOR`, which knows the threads that read",
    seen: "memory that is removed in one binary is freed while another reads it",
    instead: "use a collection of std's in a lock of std's, or `crossbeam_queue`",
};

const SEIZE: HiddenState = HiddenState {
    krate: "seize",
    read: "0.5.1 and 0.3.3",
    statics: "`THREAD_ID_MANAGER`, which numbers the threads",
    seen: "threads of two binaries have the same number, and memory is freed while one of them reads it",
    instead: "use a map of std's in a lock of std's",
};

const SDD: HiddenState = HiddenState {
    krate: "sdd",
    read: "3.0.10",
    statics: "`GLOBAL_ROOT`, which knows the threads that read",
    seen: "memory that is removed in one binary is freed while another reads it",
    instead: "use a collection of std's in a lock of std's",
};

const HAPHAZARD: HiddenState = HiddenState {
    krate: "haphazard",
    read: "0.1.8",
    statics: "`SHARED_DOMAIN`, the pointers that readers protect",
    seen: "memory that is retired in one binary is freed while another reads it",
    instead: "use `RwLock<Arc<T>>` of std",
};

const THREAD_LOCAL: HiddenState = HiddenState {
    krate: "thread_local",
    read: "1.1.10",
    statics: "`THREAD_ID_MANAGER`, which numbers the threads",
    seen: "two threads of two binaries have the same number and get the same value, a `RefCell` for example",
    instead: "declare the item in `thread_local!`",
};

const SHARDED_SLAB: HiddenState = HiddenState {
    krate: "sharded_slab",
    read: "0.1.7",
    statics: "`REGISTRY`, which numbers the threads",
    seen: "two threads of two binaries have the same number and change the same list without a lock",
    instead: "use a `Vec` in a lock of std's",
};

const THREAD_ID: HiddenState = HiddenState {
    krate: "std",
    read: "1.95.0",
    statics: "`COUNTER`, which numbers the threads for `ThreadId`",
    seen: "two threads of two binaries have the same `ThreadId`, so both pass the check and get the value",
    instead: "declare the item in `thread_local!`",
};

const REENTRANT_LOCK: HiddenState = HiddenState {
    krate: "std",
    read: "1.95.0",
    statics: "`COUNTER`, which numbers the threads for reentrant locks",
    seen: "two threads of two binaries have the same number and hold the lock at the same time",
    instead: "call `std::io::stdout()` or `std::io::stderr()` where you write",
};

const CROSSBEAM_CHANNEL: HiddenState = HiddenState {
    krate: "crossbeam_channel",
    read: "0.5.17",
    statics: "`THREAD_ID`, a number per thread that tells its own entries from those of others",
    seen: "two threads of two binaries have the same number, and the sender does not wake the receiver",
    instead: "use `std::sync::mpsc` or `flume`",
};

const ATOMIC_CELL: HiddenState = HiddenState {
    krate: "crossbeam_utils",
    read: "0.8.23",
    statics: "`LOCKS`, the locks of values that a processor cannot write at once",
    seen: "one binary reads a value while another writes it, and sees parts of both",
    instead: "use `Mutex` or an atomic type of std",
};

const ATOMIC: HiddenState = HiddenState {
    krate: "atomic",
    read: "0.6.1",
    statics: "`SPINLOCKS`, the locks of values that a processor cannot write at once",
    ..ATOMIC_CELL
};

const ASYNC_IO: HiddenState = HiddenState {
    krate: "async_io",
    read: "2.6.0",
    statics: "`REACTOR`, which waits for the system's events",
    seen: "the value is dropped in a binary whose reactor has another source under its number, and takes that out",
    instead: "share the type of std that is inside",
};

const TRACING: HiddenState = HiddenState {
    krate: "tracing_core",
    read: "0.1.36",
    statics: "`CURRENT_STATE`, the subscriber of each thread",
    seen: "dropped in another binary, the guard replaces that binary's subscriber and leaves its own in place",
    instead: "keep the guard in the binary that made it",
};

const TRACING_CALLSITES: HiddenState = HiddenState {
    krate: "tracing_core",
    read: "0.1.36",
    statics: "`CALLSITES`, which keeps for each event whether anybody wants it",
    seen: "a filter that one binary changes is not looked at for another's events",
    instead: "share a function of the binary that has the subscriber, which changes the filter",
};

const OPENTELEMETRY: HiddenState = HiddenState {
    krate: "opentelemetry",
    read: "0.31.0",
    statics: "`CURRENT_CONTEXT`, the stack of contexts of each thread",
    seen: "dropped in another binary, the guard takes a context from that binary's stack",
    instead: "share the `Context`, and attach it in each binary",
};

const SLOG_SCOPE: HiddenState = HiddenState {
    krate: "slog_scope",
    read: "4.4.1",
    statics: "`GLOBAL_LOGGER`",
    seen: "dropped in another binary, the guard resets that binary's logger and leaves its own in place",
    instead: "keep the guard in the binary that made it",
};

const STRING_CACHE: HiddenState = HiddenState {
    krate: "string_cache",
    read: "0.8.9",
    statics: "`DYNAMIC_SET`, the strings that are known",
    seen: "equal strings of two binaries are unequal",
    instead: "share the `String`",
};

const INTERNMENT: HiddenState = HiddenState {
    krate: "internment",
    read: "0.8.6",
    statics: "`INTERN_CONTAINERS`, the values that are known",
    seen: "equal values of two binaries are unequal",
    instead: "share the value, or an `Arc` of it",
};

const INTERNMENT_ARC: HiddenState = HiddenState {
    statics: "`ARC_CONTAINERS`, the values that are known",
    seen: "dropped in another binary, the value frees an equal one of that binary that is in use",
    ..INTERNMENT
};

const USTR: HiddenState =
    HiddenState { krate: "ustr", read: "1.1.0", statics: "`STRING_CACHE`, the strings that are known", ..STRING_CACHE };

const SYMBOL_TABLE: HiddenState = HiddenState {
    krate: "symbol_table",
    read: "0.4.0",
    statics: "`SINGLETON`, the strings that are known",
    seen: "the symbol is a position in another binary's table, which has another string there or none",
    instead: "share the `String`",
};
