//! Items of rubicon. The library that exports them and those that import them are builds of this one crate, as rubicon
//! has it.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::LazyLock;

use bench_timing::{Droppable, Measured, Request, Subject, Work};

rubicon::compatibility_check! {
    ("version", env!("CARGO_PKG_VERSION")),
}

// Their symbols are not mangled: hence the prefix.
rubicon::thread_local! {
    static BENCH_RUBICON_CONST: Cell<u64> = const { Cell::new(1) };
}

rubicon::thread_local! {
    static BENCH_RUBICON_DROP: Droppable = Droppable::new();
}

rubicon::process_local! {
    static BENCH_RUBICON_LAZY: LazyLock<u64> = LazyLock::new(bench_timing::seed);
}

/// See [`bench_timing::Measure`].
#[unsafe(no_mangle)]
pub extern "C" fn bench_measure(request: &Request) -> f64 {
    bench_timing::answer(request, find)
}

fn find(work: Work, subject: Subject) -> Option<Measured> {
    match (work, subject) {
        (Work::Read, Subject::Rubicon) => Some(bench_timing::calls!(read)),
        (Work::ReadDrop, Subject::Rubicon) => Some(bench_timing::calls!(read_drop)),
        (Work::ReadLoop, Subject::Rubicon) => Some(Measured::Loop(read_often)),
        (Work::CountLoop, Subject::Rubicon) => Some(Measured::Loop(count)),
        (Work::Lazy, Subject::Rubicon) => Some(bench_timing::calls!(lazy)),
        _ => bench_timing::find_reference(work, subject),
    }
}

#[inline(never)]
fn read() -> u64 {
    BENCH_RUBICON_CONST.with(Cell::get)
}

#[inline(never)]
fn read_drop() -> u64 {
    BENCH_RUBICON_DROP.with(Droppable::get)
}

#[inline(never)]
fn read_often(iterations: u64) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..iterations {
        sum = sum.wrapping_add(BENCH_RUBICON_CONST.with(Cell::get));
        black_box(());
    }
    sum
}

#[inline(never)]
fn count(iterations: u64) -> u64 {
    for _ in 0..iterations {
        BENCH_RUBICON_CONST.with(|cell| cell.set(cell.get().wrapping_add(black_box(1))));
    }
    BENCH_RUBICON_CONST.with(Cell::get)
}

#[inline(never)]
fn lazy() -> u64 {
    // Where it is imported, it is behind one more `Deref`.
    let value: &u64 = &BENCH_RUBICON_LAZY;
    *value
}
