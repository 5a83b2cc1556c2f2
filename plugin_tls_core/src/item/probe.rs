//! What only the place of the declaration knows: the item's text, and whether its type has a layout or a shape.
//!
//! `Probe::new(&ITEM).__plugin_tls_layout()` finds a method of `Probe` itself, or one behind its deref. The choice is made
//! where the type is concrete, and no trait needs to be in scope. The method has a name that no user's trait has, which
//! could come first. What it returns is a type that says what was found.
//!
//! The probe of this crate finds no layouts. That of `plugin_tls_abi_stable` does. The probe for shapes is
//! [`ShapeProbe`].

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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use plugin_tls_abi::text::Sink;

    use crate::Shape;
    use crate::item::all;
    use crate::shape::shape_text;

    #[derive(Shape)]
    struct User {
        name: String,
    }

    /// A type without shape.
    struct Foreign(u8);

    crate::thread_local! {
        static OF_USER: RefCell<Vec<User>> = RefCell::default();
        static OF_STD: Cell<u8> = Cell::new(1);
        static OF_FOREIGN: Cell<Foreign> = Cell::new(Foreign(1));
    }
    crate::lazy_static! {
        static ref STATIC: User = User { name: "a".to_owned() };
    }

    /// The shape of an item's type, as the host gets it.
    fn shape_of(name: &str) -> Option<String> {
        let item = all().find(|item| item.path().ends_with(name)).expect("it has been described");
        item.descriptor().shape.map(|describe| {
            let mut text = String::new();
            let sink = Sink::new(&mut text);
            // SAFETY: the sink's string is alive and not borrowed.
            unsafe { describe(&raw const sink) };
            text
        })
    }

    #[test]
    fn shapes_are_found_for_items() {
        assert_eq!((OF_USER.with_borrow(Vec::len), OF_STD.get(), STATIC.name.len()), (0, 1, 1));
        OF_FOREIGN.with(|cell| assert_eq!(cell.replace(Foreign(2)).0, 1));
        assert_eq!(shape_of("::OF_USER"), Some(shape_text::<RefCell<Vec<User>>>()));
        assert_eq!(shape_of("::OF_STD"), Some(shape_text::<Cell<u8>>()));
        assert_eq!(shape_of("::STATIC"), Some(shape_text::<User>()));
        assert_eq!(shape_of("::OF_FOREIGN"), None);
    }
}
