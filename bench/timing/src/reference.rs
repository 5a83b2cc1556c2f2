//! std's items, and an empty call.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::LazyLock;

use crate::{Droppable, Measured, Subject, Touch, Work, seed};

std::thread_local! {
    static CONST: Cell<u64> = const { Cell::new(1) };
    static DROP: Droppable = Droppable::new();
}

static LAZY: LazyLock<u64> = LazyLock::new(seed);

crate::subject! { constant: CONST, read: CONST.get(), droppable: DROP, lazy: LAZY }

/// Finds what a work measures of [`Subject::Empty`] or [`Subject::Std`].
#[must_use]
pub fn find(work: Work, subject: Subject) -> Option<Measured> {
    match (subject, work) {
        (Subject::Empty, Work::Read | Work::ReadDrop | Work::Lazy) => Some(crate::calls!(empty)),
        (Subject::Empty, Work::Touch | Work::Spawn | Work::TouchLazy) => Some(Measured::Items(&NOTHING)),
        (Subject::Std, Work::Touch | Work::Spawn) => Some(Measured::Items(&locals::ITEMS)),
        (Subject::Std, work) => reads(work),
        _ => None,
    }
}

static NOTHING: [Touch; 1000] = [empty; 1000];

#[inline(never)]
fn empty() -> u64 {
    // Without this, the compiler removes the call.
    black_box(());
    1
}

mod locals {
    crate::many_locals!(std::thread_local);
}
