//! What any binary can do with the items.

use std::sync::atomic::Ordering::SeqCst;

use crate::items::{COUNTER, INITIALIZED, ONCE, REGISTRY, SHARED, TAGS};
use crate::probe::{Operation, Outcome};

/// By name.
pub const OPERATIONS: &[Operation] = &[
    ("counter_add", |n| {
        COUNTER.set(COUNTER.get() + n);
        COUNTER.get().into()
    }),
    ("counter_address", |_| COUNTER.with(address)),
    ("tags_push", |n| TAGS.with_borrow_mut(|tags| tags.push(format!("tag {n}"))).into()),
    ("tags", |_| TAGS.with_borrow(|tags| tags.join(", ")).into()),
    ("shared_add", |n| SHARED.with(|shared| shared.replace(shared.get() + n)).into()),
    ("once", |_| ONCE.get().into()),
    ("initialized", |_| INITIALIZED.load(SeqCst).into()),
    ("register", |n| REGISTRY.lock().expect("not poisoned").push(format!("command {n}")).into()),
    ("registered", |_| REGISTRY.lock().expect("not poisoned").join(", ").into()),
    ("registry_address", |_| address(&*REGISTRY)),
];

/// The address of a value, as an outcome.
pub fn address<T>(value: &T) -> Outcome {
    Outcome::from(std::ptr::from_ref(value).addr() as u64)
}
