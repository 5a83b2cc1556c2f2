//! Items of rubicon.
//!
//! The library that exports the items and the libraries that import them are builds of this crate with different
//! features.

use std::cell::Cell;
use std::sync::LazyLock;

use bench_timing::{Droppable, Measured, Request, Subject, Work};

rubicon::compatibility_check! {
    ("version", env!("CARGO_PKG_VERSION")),
}

// rubicon does not mangle the symbols, so the names have a prefix.
rubicon::thread_local! {
    static BENCH_RUBICON_CONST: Cell<u64> = const { Cell::new(1) };
}

rubicon::thread_local! {
    static BENCH_RUBICON_DROP: Droppable = Droppable::new();
}

rubicon::process_local! {
    static BENCH_RUBICON_LAZY: LazyLock<u64> = LazyLock::new(bench_timing::seed);
}

bench_timing::subject! {
    constant: BENCH_RUBICON_CONST,
    read: BENCH_RUBICON_CONST.with(Cell::get),
    droppable: BENCH_RUBICON_DROP,
    lazy: BENCH_RUBICON_LAZY,
}

/// See [`bench_timing::Measure`].
#[unsafe(no_mangle)]
pub extern "C" fn bench_measure(request: &Request) -> f64 {
    bench_timing::answer(request, find)
}

fn find(work: Work, subject: Subject) -> Option<Measured> {
    match subject {
        Subject::Rubicon => reads(work),
        _ => bench_timing::find_reference(work, subject),
    }
}
