//! The same items, declared with plugin_tls 0.4.1. Its keys have no `get`.

use std::cell::Cell;

use bench_timing::{Droppable, Measured, Work, seed};

peer::thread_local! {
    static CONST: Cell<u64> = Cell::new(1);
    static DROP: Droppable = Droppable::new();
}

peer::lazy_static! {
    static ref LAZY: u64 = seed();
}

bench_timing::subject! { constant: CONST, read: CONST.with(Cell::get), droppable: DROP, lazy: LAZY }

pub(crate) fn find(work: Work) -> Option<Measured> {
    reads(work)
}
