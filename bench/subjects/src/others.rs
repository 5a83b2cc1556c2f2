//! Statics of the crates lazy_static and once_cell, which are not shared between binaries.

use bench_timing::{Measured, Subject, Work, seed};

lazy_static::lazy_static! {
    static ref LAZY_STATIC: u64 = seed();
}

static ONCE_CELL: once_cell::sync::Lazy<u64> = once_cell::sync::Lazy::new(seed);

pub(crate) fn find(work: Work, subject: Subject) -> Option<Measured> {
    match (work, subject) {
        (Work::Lazy, Subject::LazyStatic) => Some(bench_timing::calls!(lazy_static)),
        (Work::Lazy, Subject::OnceCell) => Some(bench_timing::calls!(once_cell)),
        _ => None,
    }
}

#[inline(never)]
fn lazy_static() -> u64 {
    *LAZY_STATIC
}

#[inline(never)]
fn once_cell() -> u64 {
    *ONCE_CELL
}
