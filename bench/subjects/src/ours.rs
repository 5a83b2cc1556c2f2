//! Items of this workspace's plugin_tls.

use std::cell::Cell;

use bench_timing::{Droppable, Measured, Work, seed};

plugin_tls::thread_local! {
    static CONST: Cell<u64> = const { Cell::new(1) };
    static DROP: Droppable = Droppable::new();
}

plugin_tls::lazy_static! {
    static ref LAZY: u64 = seed();
}

bench_timing::subject! { constant: CONST, read: CONST.get(), droppable: DROP, lazy: LAZY }

pub(crate) fn find(work: Work) -> Option<Measured> {
    match work {
        Work::Touch | Work::Spawn => Some(Measured::Items(&locals::ITEMS)),
        _ => reads(work),
    }
}

mod locals {
    bench_timing::many_locals!(plugin_tls::thread_local);
}
