//! Finds the layout of an item's type: see `plugin_tls_core`'s probe, whose place this one takes.
//!
//! `RefCell`, `Mutex`, `RwLock` and `Vec` of std have no layout. For those, also two deep, the probe finds the layout of the
//! argument. Each question has a type of its own, and leads to the next by its deref.

use std::cell::RefCell;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Mutex, RwLock};

use abi_stable::StableAbi;
use plugin_tls_abi::table::LayoutScheme;
use plugin_tls_core::__private::{Item, Layout, NoLayout};

use crate::layout;

/// Asks whether the type has a layout.
#[derive(Debug)]
pub struct Probe<I: 'static>(Argument<I>);

/// Asks whether the argument of the type has a layout.
#[derive(Debug)]
pub struct Argument<I: 'static>(ArgumentsArgument<I>);

/// Asks whether the argument of the type's argument has a layout.
#[derive(Debug)]
pub struct ArgumentsArgument<I: 'static>(Nothing<I>);

/// There is no layout.
#[derive(Debug)]
pub struct Nothing<I: 'static>(PhantomData<&'static I>);

impl<I: Item> Probe<I> {
    /// A probe for an item.
    #[inline]
    #[must_use]
    pub const fn new(_item: &'static I) -> Self {
        Probe(Argument(ArgumentsArgument(Nothing(PhantomData))))
    }
}

impl<I: Item<Value: StableAbi>> Probe<I> {
    /// What there is for the item's type.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_layout(&self) -> HasLayout {
        HasLayout
    }
}

impl<I: Item<Value: OfStd<Argument: StableAbi>>> Argument<I> {
    /// What there is for the item's type.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_layout(&self) -> ArgumentHasLayout {
        ArgumentHasLayout
    }
}

impl<I: Item<Value: OfStd<Argument: OfStd<Argument: StableAbi>>>> ArgumentsArgument<I> {
    /// What there is for the item's type.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_layout(&self) -> ArgumentsArgumentHasLayout {
        ArgumentsArgumentHasLayout
    }
}

impl<I: Item> Nothing<I> {
    /// What there is for the item's type.
    #[inline]
    #[must_use]
    pub fn __plugin_tls_layout(&self) -> NoLayout {
        NoLayout
    }
}

macro_rules! lead_to {
    ($($probe:ident $next:ident;)*) => {$(
        impl<I> Deref for $probe<I> {
            type Target = $next<I>;

            #[inline]
            fn deref(&self) -> &$next<I> {
                &self.0
            }
        }
    )*};
}

lead_to! {
    Probe Argument;
    Argument ArgumentsArgument;
    ArgumentsArgument Nothing;
}

/// A type of std that does not implement `StableAbi` and has one argument.
pub trait OfStd {
    /// The argument.
    type Argument;
}

impl<T> OfStd for RefCell<T> {
    type Argument = T;
}

impl<T> OfStd for Mutex<T> {
    type Argument = T;
}

impl<T> OfStd for RwLock<T> {
    type Argument = T;
}

impl<T> OfStd for Vec<T> {
    type Argument = T;
}

/// The type has a layout.
#[derive(Debug)]
pub struct HasLayout;

/// The type's argument has a layout.
#[derive(Debug)]
pub struct ArgumentHasLayout;

/// The argument of the type's argument has a layout.
#[derive(Debug)]
pub struct ArgumentsArgumentHasLayout;

// SAFETY: the layout is that of `T`, and `layout::of` returns the scheme that says so.
unsafe impl<T: StableAbi> Layout<T> for HasLayout {
    fn layout() -> (*const c_void, *const LayoutScheme) {
        layout::of::<T>()
    }
}

// SAFETY: the layout is that of a type within `T`, and `layout::in_std` returns the scheme that says so.
unsafe impl<T: OfStd<Argument: StableAbi>> Layout<T> for ArgumentHasLayout {
    fn layout() -> (*const c_void, *const LayoutScheme) {
        layout::in_std::<T::Argument>()
    }
}

// SAFETY: as for `ArgumentHasLayout`.
unsafe impl<T: OfStd<Argument: OfStd<Argument: StableAbi>>> Layout<T> for ArgumentsArgumentHasLayout {
    fn layout() -> (*const c_void, *const LayoutScheme) {
        layout::in_std::<<T::Argument as OfStd>::Argument>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use abi_stable::std_types::RString;
    use abi_stable::type_layout::TypeLayout;
    use plugin_tls_core::__private::LocalItem;

    use super::*;

    /// The name in the layout that is found for a type, and whether the layout needs the same compiler.
    fn described<T, L: Layout<T>>(_item: &'static LocalItem<T>, _found: L) -> Option<(&'static str, u32)> {
        let (layout, scheme) = L::layout();
        // SAFETY: a scheme is null or a static, and the schemes of this crate are for layouts that are `TypeLayout`s.
        unsafe { scheme.as_ref().map(|scheme| ((*layout.cast::<TypeLayout>()).name(), scheme.same_compiler)) }
    }

    macro_rules! found {
        ($ty:ty) => {{
            static ITEM: LocalItem<$ty> = LocalItem::NEW;
            described(&ITEM, Probe::new(&ITEM).__plugin_tls_layout())
        }};
    }

    #[test]
    fn layouts_are_found_within_types_of_std() {
        assert_eq!(found!(u32), Some(("u32", 0)));
        assert_eq!(found!(RString), Some(("RString", 0)));
        assert_eq!(found!(RefCell<RString>), Some(("RString", 1)));
        assert_eq!(found!(RwLock<u32>), Some(("u32", 1)));
        assert_eq!(found!(Vec<u32>), Some(("u32", 1)));
        assert_eq!(found!(Mutex<Vec<RString>>), Some(("RString", 1)));
        let none = [found!(Mutex<Vec<Vec<u32>>>), found!(String), found!(Arc<String>), found!(Mutex<String>)];
        assert_eq!(none, [None; 4]);
    }
}
