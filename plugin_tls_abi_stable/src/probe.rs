//! Finds the layout of an item's type: see `plugin_tls_core`'s probe, whose place this one takes.

use std::ops::Deref;

use abi_stable::StableAbi;
use plugin_tls_core::__private::{Item, ItemType, NoLayout, describe};

use crate::layout;

/// Describes an item, with the layout of its type if that has one.
#[derive(Debug)]
pub struct Probe<I: 'static>(NoLayout<I>);

impl<I: Item> Probe<I> {
    /// A probe for `item`.
    #[inline]
    #[must_use]
    pub const fn new(item: &'static I) -> Self {
        Probe(NoLayout::new(item))
    }
}

impl<I: Item<Value: StableAbi>> Probe<I> {
    /// Tells the item what it is a copy of, and the layout of its type.
    #[inline]
    pub fn __plugin_tls_describe(&self, text: &'static str, here: &'static str, initializer: fn() -> I::Value) {
        // SAFETY: the function returns the layout of the item's type, and its scheme.
        let ty = const { &unsafe { ItemType::<I>::with_layout(layout::of::<I::Value>) } };
        describe(self.0.item(), ty, text, here, initializer);
    }
}

impl<I> Deref for Probe<I> {
    type Target = NoLayout<I>;

    #[inline]
    fn deref(&self) -> &NoLayout<I> {
        &self.0
    }
}
