//! This workspace's items.

use std::cell::Cell;
use std::hint::black_box;

use bench_timing::{Droppable, Measured, Work, seed};

plugin_tls::thread_local! {
    static CONST: Cell<u64> = const { Cell::new(1) };
    static DROP: Droppable = Droppable::new();
}

plugin_tls::lazy_static! {
    static ref LAZY: u64 = seed();
}

pub(crate) fn find(work: Work) -> Option<Measured> {
    Some(match work {
        Work::Read => bench_timing::calls!(read),
        Work::ReadDrop => bench_timing::calls!(read_drop),
        Work::ReadLoop => Measured::Loop(read_often),
        Work::CountLoop => Measured::Loop(count),
        Work::Lazy => bench_timing::calls!(lazy),
        Work::Touch | Work::Spawn => Measured::Items(&locals::ITEMS),
        Work::TouchLazy => return None,
    })
}

#[inline(never)]
fn read() -> u64 {
    CONST.get()
}

#[inline(never)]
fn read_drop() -> u64 {
    DROP.with(Droppable::get)
}

#[inline(never)]
fn read_often(iterations: u64) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..iterations {
        sum = sum.wrapping_add(CONST.get());
        black_box(());
    }
    sum
}

#[inline(never)]
fn count(iterations: u64) -> u64 {
    for _ in 0..iterations {
        CONST.with(|cell| cell.set(cell.get().wrapping_add(black_box(1))));
    }
    CONST.get()
}

#[inline(never)]
fn lazy() -> u64 {
    *LAZY
}

/// Declares one item to be touched, for [`bench_timing::ten`].
#[macro_export]
macro_rules! local_item {
    () => {
        plugin_tls::thread_local!(static ITEM: bench_timing::Droppable = bench_timing::Droppable::new());

        fn touch() -> u64 {
            ITEM.with(bench_timing::Droppable::get)
        }

        pub const ITEMS: [bench_timing::Touch; 1] = [touch];
    };
}

mod locals {
    use bench_timing::ten;

    #[cfg(not(feature = "thousand"))]
    ten! { 100 { bench_timing::ten! { 10 { local_item! {} } } } }
    #[cfg(feature = "thousand")]
    ten! { 1000 { bench_timing::ten! { 100 { bench_timing::ten! { 10 { local_item! {} } } } } } }
}
