//! What only the place of the declaration knows: the item's text, and whether its type has a layout.
//!
//! `Probe::new(&ITEM).__plugin_tls_describe(..)` finds a method of `Probe` itself where the type has a layout, and behind
//! `Probe`'s deref the one of [`NoLayout`] everywhere else. The choice is made where the type is concrete, and no trait
//! needs to be in scope. The method has a name that no user's trait has, which could come first.
//!
//! The probe of this crate finds no layouts. That of `plugin_tls_abi_stable` does.

use std::ops::Deref;

use super::glue::ItemType;
use super::raw::{self, Item};
use super::text::Text;

/// Describes an item without looking for a layout.
#[derive(Debug)]
pub struct Probe<I: 'static>(NoLayout<I>);

/// Describes an item of a type without layout.
#[derive(Debug)]
pub struct NoLayout<I: 'static>(&'static I);

impl<I: Item> Probe<I> {
    /// A probe for `item`.
    #[inline]
    #[must_use]
    pub const fn new(item: &'static I) -> Self {
        Probe(NoLayout::new(item))
    }
}

impl<I> Deref for Probe<I> {
    type Target = NoLayout<I>;

    #[inline]
    fn deref(&self) -> &NoLayout<I> {
        &self.0
    }
}

impl<I: Item> NoLayout<I> {
    /// A probe for `item`.
    #[inline]
    #[must_use]
    pub const fn new(item: &'static I) -> Self {
        NoLayout(item)
    }

    /// The item.
    #[inline]
    #[must_use]
    pub const fn item(&self) -> &'static I {
        self.0
    }

    /// Tells the item what it is a copy of.
    #[inline]
    pub fn __plugin_tls_describe(&self, text: &'static str, here: &'static str, initializer: fn() -> I::Value) {
        describe(self.0, const { &ItemType::<I>::WITHOUT_LAYOUT }, text, here, initializer);
    }
}

/// Tells the item what it is a copy of.
#[inline]
pub fn describe<I: Item>(
    item: &'static I,
    ty: &'static ItemType<I>,
    text: &'static str,
    here: &'static str,
    initializer: fn() -> I::Value,
) {
    // SAFETY:
    // - The initializer makes values of the item's type.
    // - An `ItemType<I>` has the information of `I`'s type and kind.
    // - The text's address comes from `Text`, and `here` is a `&'static str`.
    unsafe {
        raw::describe(item.raw(), &ty.info, initializer as *const (), Text::address(text), here.as_ptr(), here.len());
    }
}
