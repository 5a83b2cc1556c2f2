//! Expansions cause no lints in a crate with strict settings.

#![deny(warnings, unused, missing_docs, missing_debug_implementations, missing_copy_implementations)]
#![deny(rust_2018_idioms, nonstandard_style, future_incompatible, let_underscore, unreachable_pub)]
#![deny(rust_2021_compatibility, rust_2024_compatibility, keyword_idents)]
#![deny(unused_qualifications, unused_lifetimes, unused_results, unused_import_braces, single_use_lifetimes)]
#![deny(trivial_casts, trivial_numeric_casts, variant_size_differences, unit_bindings, meta_variable_misuse)]
#![deny(explicit_outlives_requirements, elided_lifetimes_in_paths, non_ascii_idents, unstable_features)]
#![deny(absolute_paths_not_starting_with_crate, macro_use_extern_crate, unused_extern_crates, ffi_unwind_calls)]
#![deny(unnameable_types, redundant_lifetimes, ambiguous_negative_literals, impl_trait_redundant_captures)]
#![deny(unsafe_op_in_unsafe_fn, improper_ctypes_definitions)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::sync::Mutex;

plugin_tls::thread_local! {
    /// Lazy.
    pub(crate) static LAZY: Cell<u32> = Cell::new(1);
    static CONSTANT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static TEXT: &'static str = "text";
    static TUPLE: (u8, u8) = (1, 2);
    static BLOCK: u32 = { 1 };
    static NEVER: u32 = unreachable!();
    static FUNCTION: Option<fn(&str) -> Vec<u8>> = None;
}

plugin_tls::lazy_static! {
    /// A static.
    pub(crate) static ref NUMBER: u32 = 1;
    static ref NAMES: Mutex<Vec<&'static str>> = Mutex::new(vec!["a"]);
    #[derive(Debug, Clone, Copy)]
    static ref DERIVING: [u8; 2] = [1, 2];
    static ref FAILS: u32 = unreachable!();
}

/// Public items need documentation: the attributes of an item apply to it.
pub mod public {
    plugin_tls::thread_local! {
        /// Documented.
        pub(crate) static DOCUMENTED: u32 = 1;
    }
    plugin_tls::lazy_static! {
        /// Documented.
        pub(crate) static ref STATIC: u32 = 1;
    }
}

/// Types and traits that are described.
mod described {
    use plugin_tls::Shape;

    #[derive(Debug, Shape)]
    pub(super) struct Borrows<'a, T: Copy, const N: usize> {
        pub(super) text: &'a str,
        pub(super) values: [T; N],
        #[deprecated]
        pub(super) old: u8,
    }

    #[derive(Debug, Clone, Copy, Shape)]
    #[repr(u8)]
    pub(super) enum Choice {
        Number(u32) = 1 << 2,
        #[deprecated]
        Old = 0xff,
    }

    #[allow(dead_code, reason = "it is only described")]
    #[plugin_tls::shape]
    pub(super) trait Names<'a, T> {
        type Output: Copy;

        fn name(&self, of: &'a T, by: &str) -> Self::Output;
        #[deprecated]
        fn old<'b>(&'b self, text: &'b str) -> &'b str;
    }
}

#[test]
#[allow(deprecated, reason = "what is deprecated is described as well")]
fn strict_crates_describe_types() {
    use described::{Borrows, Choice, Names};
    use plugin_tls::__private::shape_text;

    let value = Borrows { text: "a", values: [1_u8], old: 1 };
    assert_eq!((value.text.len(), value.values.len(), value.old), (1, 1, 1));
    assert!([Choice::Number(1), Choice::Old].iter().any(|choice| matches!(choice, Choice::Number(1))));
    assert!(shape_text::<(Borrows<'static, u8, 2>, Choice)>().contains("discriminant3:255"));
    assert!(shape_text::<dyn Names<'static, u8, Output = u8> + Send>().contains("t0"));
}

fn generic<T>(_: &T) -> u32 {
    plugin_tls::thread_local!(static INNER: Cell<u32> = const { Cell::new(1) });
    plugin_tls::lazy_static!(static ref INNER_STATIC: u32 = 1;);
    INNER.get() + *INNER_STATIC
}

#[test]
fn strict_crates_use_items() {
    assert_eq!(LAZY.get() + BLOCK.with(|value| *value) + *NUMBER, 3);
    CONSTANT.with_borrow_mut(|texts| texts.push(TEXT.with(|text| (*text).to_owned())));
    assert_eq!((CONSTANT.take(), TUPLE.with(|tuple| tuple.1)), (vec!["text".to_owned()], 2));
    assert_eq!((NAMES.lock().unwrap().len(), DERIVING[1], generic(&1)), (1, 2, 2));
    assert!(FUNCTION.with(Option::is_none));
    assert_eq!(public::DOCUMENTED.with(|value| *value) + *public::STATIC, 2);
    assert!(std::panic::catch_unwind(|| NEVER.with(|value| *value) + *FAILS).is_err());
}
