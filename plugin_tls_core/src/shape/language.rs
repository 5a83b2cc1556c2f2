//! Shapes of types that the language has a syntax for, and of trait objects of std's traits.

#![forbid(unsafe_code)]

use std::any::{Any, TypeId};
use std::error::Error;

use plugin_tls_abi::shape::Kind;

use super::describer::{Describer, Shape};

macro_rules! primitives {
    ($($ty:ty)*) => {$(
        impl Shape for $ty {
            fn __plugin_tls_shape(describer: &mut Describer) {
                if describer.begin(TypeId::of::<Self>(), Kind::Builtin, stringify!($ty)) {
                    describer.end();
                }
            }
        }
    )*};
}

primitives! { () i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 bool char str }

macro_rules! pointers {
    ($($ty:ty: $template:literal $label:literal;)*) => {$(
        impl<T: ?Sized + Shape> Shape for $ty {
            fn __plugin_tls_shape(describer: &mut Describer) {
                describer.wrapper(TypeId::of::<Self>(), Kind::Builtin, $template, $label, T::__plugin_tls_shape);
            }
        }
    )*};
}

pointers! {
    &'static T: "&{}" "";
    &'static mut T: "&mut {}" "";
    *const T: "*const {}" "";
    *mut T: "*mut {}" "";
}

impl<T: Shape> Shape for [T] {
    fn __plugin_tls_shape(describer: &mut Describer) {
        describer.wrapper(TypeId::of::<Self>(), Kind::Builtin, "[{}]", "[item]", T::__plugin_tls_shape);
    }
}

impl<T: Shape, const N: usize> Shape for [T; N] {
    fn __plugin_tls_shape(describer: &mut Describer) {
        if describer.begin(TypeId::of::<Self>(), Kind::Builtin, "[{}; _]") {
            describer.number_fact("length", N);
            describer.child("[item]", T::__plugin_tls_shape);
            describer.end();
        }
    }
}

macro_rules! tuples {
    ($($template:literal $(($name:ident $label:literal))+;)*) => {$(
        impl<$($name: Shape),+> Shape for ($($name,)+) {
            fn __plugin_tls_shape(describer: &mut Describer) {
                if describer.begin(TypeId::of::<Self>(), Kind::Builtin, $template) {
                    $(describer.child($label, $name::__plugin_tls_shape);)+
                    describer.end();
                }
            }
        }
    )*};
}

tuples! {
    "({},)" (A ".0");
    "({}, {})" (A ".0") (B ".1");
    "({}, {}, {})" (A ".0") (B ".1") (C ".2");
    "({}, {}, {}, {})" (A ".0") (B ".1") (C ".2") (D ".3");
    "({}, {}, {}, {}, {})" (A ".0") (B ".1") (C ".2") (D ".3") (E ".4");
    "({}, {}, {}, {}, {}, {})" (A ".0") (B ".1") (C ".2") (D ".3") (E ".4") (F ".5");
    "({}, {}, {}, {}, {}, {}, {})" (A ".0") (B ".1") (C ".2") (D ".3") (E ".4") (F ".5") (G ".6");
    "({}, {}, {}, {}, {}, {}, {}, {})" (A ".0") (B ".1") (C ".2") (D ".3") (E ".4") (F ".5") (G ".6") (H ".7");
    "({}, {}, {}, {}, {}, {}, {}, {}, {})"
        (A ".0") (B ".1") (C ".2") (D ".3") (E ".4") (F ".5") (G ".6") (H ".7") (I ".8");
    "({}, {}, {}, {}, {}, {}, {}, {}, {}, {})"
        (A ".0") (B ".1") (C ".2") (D ".3") (E ".4") (F ".5") (G ".6") (H ".7") (I ".8") (J ".9");
    "({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})"
        (A ".0") (B ".1") (C ".2") (D ".3") (E ".4") (F ".5") (G ".6") (H ".7") (I ".8") (J ".9") (K ".10");
    "({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})"
        (A ".0") (B ".1") (C ".2") (D ".3") (E ".4") (F ".5") (G ".6") (H ".7") (I ".8") (J ".9") (K ".10") (L ".11");
}

/// Types that are made of argument types and a result type.
macro_rules! callables {
    ($(($($name:ident $label:literal)*) $arguments:literal;)*) => {$(
        callable!(fn($($name),*) -> R, concat!("fn", $arguments, " -> {}"), $($name $label)*);
        callable!(unsafe fn($($name),*) -> R, concat!("unsafe fn", $arguments, " -> {}"), $($name $label)*);
        callable!(extern "C" fn($($name),*) -> R, concat!("extern \"C\" fn", $arguments, " -> {}"), $($name $label)*);
        callable!(
            unsafe extern "C" fn($($name),*) -> R,
            concat!("unsafe extern \"C\" fn", $arguments, " -> {}"),
            $($name $label)*
        );
        callable_objects!(dyn Fn($($name),*) -> R, concat!("dyn Fn", $arguments, " -> {}"), $($name $label)*);
        callable_objects!(dyn FnMut($($name),*) -> R, concat!("dyn FnMut", $arguments, " -> {}"), $($name $label)*);
        callable_objects!(dyn FnOnce($($name),*) -> R, concat!("dyn FnOnce", $arguments, " -> {}"), $($name $label)*);
    )*};
}

macro_rules! callable {
    ($ty:ty, $template:expr, $($name:ident $label:literal)*) => {
        impl<$($name: Shape,)* R: Shape> Shape for $ty {
            fn __plugin_tls_shape(describer: &mut Describer) {
                if describer.begin(TypeId::of::<Self>(), Kind::Builtin, $template) {
                    $(describer.child($label, $name::__plugin_tls_shape);)*
                    describer.child("[result]", R::__plugin_tls_shape);
                    describer.end();
                }
            }
        }
    };
}

macro_rules! callable_objects {
    (dyn $trait:ident($($argument:ident),*) -> R, $template:expr, $($name:ident $label:literal)*) => {
        callable!(dyn $trait($($argument),*) -> R, $template, $($name $label)*);
        callable!(dyn $trait($($argument),*) -> R + Send, concat!($template, " + Send"), $($name $label)*);
        callable!(dyn $trait($($argument),*) -> R + Sync, concat!($template, " + Sync"), $($name $label)*);
        callable!(dyn $trait($($argument),*) -> R + Send + Sync, concat!($template, " + Send + Sync"), $($name $label)*);
    };
}

callables! {
    () "()";
    (A "[argument 0]") "({})";
    (A "[argument 0]" B "[argument 1]") "({}, {})";
    (A "[argument 0]" B "[argument 1]" C "[argument 2]") "({}, {}, {})";
    (A "[argument 0]" B "[argument 1]" C "[argument 2]" D "[argument 3]") "({}, {}, {}, {})";
    (A "[argument 0]" B "[argument 1]" C "[argument 2]" D "[argument 3]" E "[argument 4]") "({}, {}, {}, {}, {})";
    (A "[argument 0]" B "[argument 1]" C "[argument 2]" D "[argument 3]" E "[argument 4]" F "[argument 5]")
        "({}, {}, {}, {}, {}, {})";
}

primitives! {
    dyn Any
    dyn Any + Send
    dyn Any + Sync
    dyn Any + Send + Sync
    dyn Error
    dyn Error + Send
    dyn Error + Sync
    dyn Error + Send + Sync
}
