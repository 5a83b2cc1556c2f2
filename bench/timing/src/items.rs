//! Many items of one kind: modules in modules, ten in each, with one item in each of the innermost.

use crate::Touch;

/// Ten modules with what the braces declare, and the list of all their items. What the braces declare has a list of its
/// own: `pub const ITEMS: [Touch; N]`.
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

/// Ten lists of equal length as one.
///
/// # Panics
///
/// If they do not have `N` items together.
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
