//! Operations on the items, which any binary can run.

use std::cell::Cell;
use std::sync::atomic::Ordering::SeqCst;

use crate::items::{COUNTER, INITIALIZED, ONCE, REGISTRY, SHARED, TAGS};
use crate::outcome::{Operation, Outcome, address, done};

/// Operations on [`items`](crate::items).
pub const OPERATIONS: &[Operation] = &[
    ("counter_add", |n| {
        COUNTER.set(COUNTER.get() + n);
        COUNTER.get().into()
    }),
    ("counter_address", |_| COUNTER.with(address)),
    ("type_id", |_| format!("{:?}", std::any::TypeId::of::<Outcome>()).into()),
    ("counter_try", |_| format!("{:?}", COUNTER.try_with(Cell::get)).into()),
    ("tags_push", |n| done(|| TAGS.with_borrow_mut(|tags| tags.push(format!("tag {n}"))))),
    ("tags", |_| TAGS.with_borrow(|tags| tags.join(", ")).into()),
    ("shared_add", |n| SHARED.with(|shared| shared.replace(shared.get() + n)).into()),
    ("once", |_| ONCE.get().into()),
    ("initialized", |_| INITIALIZED.load(SeqCst).into()),
    ("register", |n| done(|| REGISTRY.lock().expect("not poisoned").push(format!("command {n}")))),
    ("registered", |_| REGISTRY.lock().expect("not poisoned").join(", ").into()),
    ("registry_address", |_| address(&*REGISTRY)),
];
