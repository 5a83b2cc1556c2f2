//! Many items of one kind, in nested modules: ten modules in each module, and one item in each innermost module.

use crate::Touch;

/// Declares many thread-locals with destructors, each with the macro `$declare`, and lists their touches as `ITEMS`.
#[macro_export]
macro_rules! many_locals {
    ($declare:path) => {
        $crate::many! {
            $declare!(static ITEM: $crate::Droppable = $crate::Droppable::new());

            fn touch() -> u64 {
                ITEM.with($crate::Droppable::get)
            }
        }
    };
}

/// A hundred modules that contain the given code, and the list `ITEMS` of the functions `touch` in them.
#[cfg(not(feature = "thousand"))]
#[macro_export]
macro_rules! many {
    ($($code:tt)*) => {
        $crate::ten! { 100 { $crate::ten! { 10 { $crate::one! { $($code)* } } } } }
    };
}

/// A thousand modules that contain the given code, and the list `ITEMS` of the functions `touch` in them.
#[cfg(feature = "thousand")]
#[macro_export]
macro_rules! many {
    ($($code:tt)*) => {
        $crate::ten! { 1000 { $crate::ten! { 100 { $crate::ten! { 10 { $crate::one! { $($code)* } } } } } } }
    };
}

/// The given code and a list of its only item.
#[doc(hidden)]
#[macro_export]
macro_rules! one {
    ($($code:tt)*) => {
        $($code)*

        pub const ITEMS: [$crate::Touch; 1] = [touch];
    };
}

/// Ten modules that contain the given code, and a list of all their items. The code has a list of its own items:
/// `pub const ITEMS: [Touch; N]`.
#[doc(hidden)]
#[macro_export]
macro_rules! ten {
    ($count:literal { $($inner:tt)* }) => {
        $crate::ten! { @all $count { $($inner)* } i0 i1 i2 i3 i4 i5 i6 i7 i8 i9 }
    };
    (@all $count:literal $inner:tt $($name:ident)*) => {
        $($crate::ten! { @one $name $inner })*
        pub const ITEMS: [$crate::Touch; $count] = $crate::joined([$(&$name::ITEMS),*]);
    };
    (@one $name:ident { $($inner:tt)* }) => {
        mod $name {
            $($inner)*
        }
    };
}

/// Joins ten lists of equal length.
///
/// # Panics
///
/// Panics if the lists do not have `N` items in total.
#[must_use]
pub const fn joined<const N: usize>(lists: [&[Touch]; 10]) -> [Touch; N] {
    let each = N / lists.len();
    let mut all = [lists[0][0]; N];
    let mut at = 0;
    while at < N {
        assert!(lists[at / each].len() == each);
        all[at] = lists[at / each][at % each];
        at += 1;
    }
    all
}
