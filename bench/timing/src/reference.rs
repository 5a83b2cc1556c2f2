//! std's own items, and the call that does nothing.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::LazyLock;

use crate::{Droppable, Measured, Subject, Touch, Work, seed};

std::thread_local! {
    static CONST: Cell<u64> = const { Cell::new(1) };
    static DROP: Droppable = Droppable::new();
}

static LAZY: LazyLock<u64> = LazyLock::new(seed);

/// What this crate has to offer for a work.
#[must_use]
pub fn find(work: Work, subject: Subject) -> Option<Measured> {
    Some(match (subject, work) {
        (Subject::Empty, Work::Read | Work::ReadDrop | Work::Lazy) => crate::calls!(empty),
        (Subject::Empty, Work::Touch | Work::Spawn | Work::TouchLazy) => Measured::Items(&NOTHING),
        (Subject::Std, Work::Read) => crate::calls!(read),
        (Subject::Std, Work::ReadDrop) => crate::calls!(read_drop),
        (Subject::Std, Work::ReadLoop) => Measured::Loop(read_often),
        (Subject::Std, Work::CountLoop) => Measured::Loop(count),
        (Subject::Std, Work::Lazy) => crate::calls!(lazy),
        (Subject::Std, Work::Touch | Work::Spawn) => Measured::Items(&locals::ITEMS),
        _ => return None,
    })
}

static NOTHING: [Touch; 1000] = [empty; 1000];

#[inline(never)]
fn empty() -> u64 {
    // Or the compiler would know that there is no need to call it.
    black_box(());
    1
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
        // Or the loop would become one multiplication.
        black_box(());
    }
    sum
}

#[inline(never)]
fn count(iterations: u64) -> u64 {
    for _ in 0..iterations {
        // Opaque, or the loop would become one addition.
        CONST.with(|cell| cell.set(cell.get().wrapping_add(black_box(1))));
    }
    CONST.get()
}

#[inline(never)]
fn lazy() -> u64 {
    *LAZY
}

mod locals {
    macro_rules! item {
        () => {
            std::thread_local!(static ITEM: $crate::Droppable = $crate::Droppable::new());

            fn touch() -> u64 {
                ITEM.with($crate::Droppable::get)
            }

            pub const ITEMS: [$crate::Touch; 1] = [touch];
        };
    }

    #[cfg(not(feature = "thousand"))]
    crate::ten! { 100 { crate::ten! { 10 { item! {} } } } }
    #[cfg(feature = "thousand")]
    crate::ten! { 1000 { crate::ten! { 100 { crate::ten! { 10 { item! {} } } } } } }
}
