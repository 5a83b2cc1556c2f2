//! What only the place of the declaration knows: the item's text, and whether its type has a layout or a shape.
//!
//! `Probe::new(&ITEM).__plugin_tls_layout()` finds a method of `Probe` itself, or one behind its deref. The choice is made
//! where the type is concrete, and no trait needs to be in scope. The method has a name that no user's trait has, which
//! could come first. What it returns is a type that says what was found.
//!
//! The probe of this crate finds no layouts. That of `plugin_tls_abi_stable` does. The probe for shapes is
//! [`ShapeProbe`](crate::shape::ShapeProbe).

use std::marker::PhantomData;

use super::glue::describe_type;
use super::raw::{self, Item, Layout, NoLayout};
use super::text::Text;
use crate::shape::{Found, ShapeProbe};

/// Finds no layout.
#[derive(Debug)]
pub struct Probe<I: 'static>(PhantomData<&'static I>);

impl<I: Item> Probe<I> {
    /// A probe for an item.
    #[inline]
    #[must_use]
    pub const fn new(_item: &'static I) -> Self {
        Probe(PhantomData)
    }

    /// What there is for the item's type.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_layout(&self) -> NoLayout {
        NoLayout
    }
}

/// A probe for the shape of `item`'s type.
#[inline]
#[must_use]
pub const fn shape_of<I: Item>(_item: &'static I) -> ShapeProbe<I::Value> {
    ShapeProbe::NEW
}

/// Tells the item what it is a copy of.
#[inline]
pub fn describe<I: Item, L: Layout<I::Value>, S: Found<I::Value>>(
    item: &'static I,
    _layout: L,
    _shape: S,
    text: &'static str,
    here: &'static str,
    initializer: fn() -> I::Value,
) {
    let ty = describe_type::<I, L, S> as *const ();
    // SAFETY:
    // - The initializer makes values of the item's type.
    // - The type is described as that of `I`, with what is there for it.
    // - The text's address comes from `Text`, and `here` is a `&'static str`.
    unsafe {
        raw::describe(item.raw(), ty, initializer as *const (), Text::address(text), here.as_ptr(), here.len());
    }
}
