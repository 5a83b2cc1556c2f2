//! A list of statics that only grows.
//!
//! # Orderings
//!
//! `add` publishes a static with Release, and `iter` follows the list with Acquire, so that code that finds a static sees
//! what was written to it before it was added. The static's own link is written before that, Relaxed.

use std::iter;
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What a [`List`] can have. Each has the link to the next one.
pub(crate) trait Linked: Sync + Sized + 'static {
    /// The static that was added before this one.
    fn next(&self) -> &AtomicPtr<Self>;
}

/// See the module.
#[derive(Debug)]
pub(crate) struct List<T>(AtomicPtr<T>);

impl<T: Linked> List<T> {
    pub(crate) const fn new() -> Self {
        List(AtomicPtr::new(ptr::null_mut()))
    }

    /// Adds a static. The caller adds each one once: the list would have no end otherwise.
    pub(crate) fn add(&self, item: &'static T) {
        let this = ptr::from_ref(item).cast_mut();
        let mut last = self.0.load(Relaxed);
        loop {
            item.next().store(last, Relaxed);
            match self.0.compare_exchange_weak(last, this, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => last = now,
            }
        }
    }

    /// The statics, the one that was added last first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> {
        let item = |pointer: &AtomicPtr<T>| -> Option<&'static T> {
            // SAFETY: the list holds null and statics that `add` was called with.
            unsafe { pointer.load(Acquire).as_ref() }
        };
        iter::successors(item(&self.0), move |previous| item(previous.next()))
    }
}
