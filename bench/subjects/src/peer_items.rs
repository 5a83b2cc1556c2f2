//! The same items as declared with plugin_tls 0.4.1.

use std::cell::Cell;
use std::hint::black_box;

use bench_timing::{Droppable, Measured, Work, seed};

peer::thread_local! {
    static CONST: Cell<u64> = Cell::new(1);
    static DROP: Droppable = Droppable::new();
}

peer::lazy_static! {
    static ref LAZY: u64 = seed();
}

pub(crate) fn find(work: Work) -> Option<Measured> {
    Some(match work {
        Work::Read => bench_timing::calls!(read),
        Work::ReadDrop => bench_timing::calls!(read_drop),
        Work::ReadLoop => Measured::Loop(read_often),
        Work::CountLoop => Measured::Loop(count),
        Work::Lazy => bench_timing::calls!(lazy),
        Work::Touch | Work::Spawn | Work::TouchLazy => return None,
    })
}

#[inline(never)]
fn read() -> u64 {
    CONST.with(Cell::get)
}

#[inline(never)]
fn read_drop() -> u64 {
    DROP.with(Droppable::get)
}

#[inline(never)]
fn read_often(iterations: u64) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..iterations {
        sum = sum.wrapping_add(CONST.with(Cell::get));
        black_box(());
    }
    sum
}

#[inline(never)]
fn count(iterations: u64) -> u64 {
    for _ in 0..iterations {
        CONST.with(|cell| cell.set(cell.get().wrapping_add(black_box(1))));
    }
    CONST.with(Cell::get)
}

#[inline(never)]
fn lazy() -> u64 {
    *LAZY
}
