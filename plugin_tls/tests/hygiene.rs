//! Names that a user declares do not affect expansions.

#![allow(dead_code, unused_macros, non_camel_case_types, non_upper_case_globals, reason = "decoys are not used")]

/// Types, functions and constants with every name that an expansion could rely on.
mod decoys {
    pub(crate) mod std {}
    pub(crate) mod core {}
    pub(crate) mod alloc {}
    pub(crate) mod inventory {}
    pub(crate) mod plugin_tls_macros {}
    pub(crate) mod __private {}

    pub(crate) struct Option;
    pub(crate) struct Some;
    pub(crate) struct None;
    pub(crate) struct Result;
    pub(crate) struct Ok;
    pub(crate) struct Err;
    pub(crate) struct String;
    pub(crate) struct Vec;
    pub(crate) struct Box;
    pub(crate) struct Cell;
    pub(crate) struct LocalKey;
    pub(crate) struct LazyStatic;
    pub(crate) struct LocalItem;
    pub(crate) struct StaticItem;
    pub(crate) struct RawItem;
    pub(crate) struct Registration;
    pub(crate) struct Probe;
    pub(crate) struct Described;
    pub(crate) struct Describer;
    pub(crate) struct ShapeProbe;
    pub(crate) struct HasShape;
    pub(crate) struct i128;
    pub(crate) struct isize;
    pub(crate) struct Node;
    pub(crate) struct ErasedNode;
    pub(crate) struct UnsafeCell;
    pub(crate) struct Self_;
    pub(crate) struct Target;
    pub(crate) struct u8;
    pub(crate) struct usize;
    pub(crate) struct str;
    pub(crate) struct bool;

    pub(crate) trait Fn {}
    pub(crate) trait FnOnce {}
    pub(crate) trait Deref {}
    pub(crate) trait Send {}
    pub(crate) trait Sync {}
    pub(crate) trait Sized {}
    pub(crate) trait Copy {}
    pub(crate) trait Drop {}
    pub(crate) trait StableAbi {}
    pub(crate) trait Shape {}
    pub(crate) trait Found {}

    pub(crate) fn drop() {}
    pub(crate) fn here() {}
    pub(crate) fn text() {}
    pub(crate) fn new() {}
    pub(crate) fn describe() {}
    pub(crate) fn here_in_static() {}
    pub(crate) fn here_at_type() {}
    pub(crate) fn initialize() {}
    pub(crate) fn __ctor() {}

    pub(crate) const ITEM: () = ();
    pub(crate) const KEY: () = ();
    pub(crate) const INIT: () = ();
    pub(crate) const item: () = ();
    pub(crate) const lazy: () = ();
    pub(crate) const value: () = ();
    pub(crate) const describer: () = ();
    pub(crate) const initializer: () = ();
    pub(crate) static __INVENTORY: () = ();
    pub(crate) static __CTOR: () = ();
    pub(crate) static __private_field: () = ();
    pub(crate) static LAZY: () = ();
}

/// Traits with methods for every type. A method call in an expansion could resolve to one of these methods.
#[allow(clippy::wrong_self_convention, clippy::new_ret_no_self, reason = "decoys")]
mod blanket_traits {
    pub(crate) trait ByValue: Sized {
        fn new(self) {}
        fn __new(self) {}
        fn raw(self) {}
        fn get(self) {}
        fn deref(self) {}
        fn initialize(self) {}
        fn with(self) {}
        fn build(self) {}
        fn value(self) {}
        fn field(self) {}
        fn part(self) {}
        fn fact(self) {}
        fn end(self) {}
    }
    impl<T> ByValue for T {}

    pub(crate) trait ByReference {
        fn new(&self) {}
        fn __new(&self) {}
        fn raw(&self) {}
        fn get(&self) {}
        fn deref(&self) {}
        fn initialize(&self) {}
        fn with(&self) {}
        fn build(&self) {}
        fn value(&self) {}
        fn field(&self) {}
        fn part(&self) {}
        fn fact(&self) {}
        fn end(&self) {}
    }
    impl<T: ?Sized> ByReference for T {}

    pub(crate) trait Associated {
        const INFO: () = ();
        const LAYOUT: () = ();
        const NEW: () = ();
        fn field() {}
        fn end() {}
        fn begin_struct() {}
        fn new() {}
        fn __new() {}
        fn submit() {}
        fn registry() {}
    }
    impl<T: ?Sized> Associated for T {}
}

/// Macros that shadow those of the prelude in the rest of the module.
mod shadowed_macros {
    macro_rules! concat {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! module_path {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! file {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! line {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! column {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! stringify {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! panic {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! unreachable {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! assert {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! submit {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! collect {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! include {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! env {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! option_env {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! cfg {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! format_args {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! vec {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! thread_local {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! lazy_static {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! thread_local_items {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! lazy_static_items {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! __do_submit {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! const_block {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! offset_of {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    macro_rules! matches {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }

    #[derive(::plugin_tls::Shape)]
    pub(crate) struct Described {
        number: u32,
    }
    #[derive(::plugin_tls::Shape)]
    pub(crate) enum Choice {
        One = 1,
    }
    #[::plugin_tls::shape]
    pub(crate) trait Object {
        fn object(&self, number: u32) -> ::core::option::Option<Described>;
    }

    ::plugin_tls::thread_local! {
        pub(crate) static LAZY: u32 = 1;
        pub(crate) static CONSTANT: u32 = const { 2 };
    }
    ::plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = 3;
    }

    pub(crate) fn in_function() -> u32 {
        ::plugin_tls::thread_local!(
            static LAZY: u32 = 4;
        );
        ::plugin_tls::lazy_static!(static ref STATIC: u32 = 5;);
        LAZY.with(|number| *number) + *STATIC
    }
}

mod shadowed_names {
    #[expect(unused_imports, reason = "expansions must not use these names")]
    use super::decoys::*;

    #[derive(::plugin_tls::Shape)]
    pub(crate) struct Described {
        number: u32,
    }
    #[derive(::plugin_tls::Shape)]
    pub(crate) enum Choice {
        One = 1,
    }
    #[::plugin_tls::shape]
    pub(crate) trait Object {
        fn object(&self, number: u32) -> ::core::option::Option<Described>;
    }

    ::plugin_tls::thread_local! {
        pub(crate) static LAZY: ::core::cell::Cell<u32> = ::core::cell::Cell::new(1);
        pub(crate) static CONSTANT: ::core::cell::Cell<u32> = const { ::core::cell::Cell::new(2) };
        pub(crate) static OWNING: ::std::string::String = ::std::string::ToString::to_string("three");
    }
    ::plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = 3;
        #[derive(Debug)]
        pub(crate) static ref OWNING_STATIC: ::std::vec::Vec<u32> = ::std::vec![4];
    }

    pub(crate) fn in_function() -> u32 {
        ::plugin_tls::thread_local!(
            static LAZY: u32 = 4;
        );
        ::plugin_tls::lazy_static!(static ref STATIC: u32 = 5;);
        LAZY.with(|number| *number) + *STATIC
    }
}

/// As `shadowed_names`, with names that the module itself declares.
mod shadowed_by_items {
    pub(crate) struct LocalKey;
    pub(crate) struct StaticItem;
    pub(crate) struct Option;
    pub(crate) trait Deref {}
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod plugin_tls {}
    pub(crate) fn drop() {}
    pub(crate) type u8 = ();
    pub(crate) type usize = ();

    #[derive(::plugin_tls::Shape)]
    pub(crate) struct Described {
        number: u32,
    }
    #[derive(::plugin_tls::Shape)]
    pub(crate) enum Choice {
        One = 1,
    }
    #[::plugin_tls::shape]
    pub(crate) trait Object {
        fn object(&self, number: u32) -> ::core::option::Option<Described>;
    }

    ::plugin_tls::thread_local! {
        pub(crate) static LAZY: u32 = 1;
        pub(crate) static CONSTANT: u32 = const { 2 };
    }
    ::plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = 3;
    }
}

mod with_methods_by_value {
    #[expect(unused_imports, reason = "expansions must not call these methods")]
    use super::blanket_traits::ByValue as _;

    #[derive(::plugin_tls::Shape)]
    pub(crate) struct Described {
        number: u32,
    }
    #[derive(::plugin_tls::Shape)]
    pub(crate) enum Choice {
        One = 1,
    }
    #[::plugin_tls::shape]
    pub(crate) trait Object {
        fn object(&self, number: u32) -> ::core::option::Option<Described>;
    }

    plugin_tls::thread_local! {
        pub(crate) static LAZY: String = "one".to_owned();
        pub(crate) static CONSTANT: u32 = const { 2 };
    }
    plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = 3;
    }
}

mod with_methods_by_reference {
    #[expect(unused_imports, reason = "expansions must not call these methods")]
    use super::blanket_traits::ByReference as _;

    #[derive(::plugin_tls::Shape)]
    pub(crate) struct Described {
        number: u32,
    }
    #[derive(::plugin_tls::Shape)]
    pub(crate) enum Choice {
        One = 1,
    }
    #[::plugin_tls::shape]
    pub(crate) trait Object {
        fn object(&self, number: u32) -> ::core::option::Option<Described>;
    }

    plugin_tls::thread_local! {
        pub(crate) static LAZY: String = "one".to_owned();
        pub(crate) static CONSTANT: u32 = const { 2 };
    }
    plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = 3;
    }
}

mod with_associated_items {
    #[expect(unused_imports, reason = "expansions must not call these methods")]
    use super::blanket_traits::Associated as _;

    #[derive(::plugin_tls::Shape)]
    pub(crate) struct Described {
        number: u32,
    }
    #[derive(::plugin_tls::Shape)]
    pub(crate) enum Choice {
        One = 1,
    }
    #[::plugin_tls::shape]
    pub(crate) trait Object {
        fn object(&self, number: u32) -> ::core::option::Option<Described>;
    }

    plugin_tls::thread_local! {
        pub(crate) static LAZY: String = "one".to_owned();
        pub(crate) static CONSTANT: u32 = const { 2 };
    }
    plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = 3;
    }
}

mod without_prelude {
    #![no_implicit_prelude]

    #[derive(::plugin_tls::Shape)]
    pub(crate) struct Described {
        number: u32,
    }
    #[derive(::plugin_tls::Shape)]
    pub(crate) enum Choice {
        One = 1,
    }
    #[::plugin_tls::shape]
    pub(crate) trait Object {
        fn object(&self, number: u32) -> ::core::option::Option<Described>;
    }

    ::plugin_tls::thread_local! {
        pub(crate) static LAZY: ::std::string::String = ::std::string::String::new();
        pub(crate) static CONSTANT: u32 = const { 2 };
    }
    ::plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = 3;
    }

    pub(crate) fn in_function() -> u32 {
        ::plugin_tls::thread_local!(
            static LAZY: u32 = 4;
        );
        ::plugin_tls::lazy_static!(static ref STATIC: u32 = 5;);
        LAZY.with(|number| *number) + *STATIC
    }
}

mod renamed {
    extern crate plugin_tls as other_name;

    other_name::thread_local!(pub(crate) static LAZY: u32 = 1);
    other_name::lazy_static!(pub(crate) static ref STATIC: u32 = 3;);

    pub(crate) mod plugin_tls {
        pub(crate) use super::other_name::thread_local as local;
        local!(pub(crate) static BY_ANOTHER_NAME: u32 = 4);
    }
}

/// Initializers see the names in the user's scope, and no names of the expansion.
mod users_scope {
    const value: u32 = 1;

    fn item() -> u32 {
        value
    }

    plugin_tls::thread_local! {
        pub(crate) static LAZY: u32 = item() + value;
    }
    plugin_tls::lazy_static! {
        pub(crate) static ref STATIC: u32 = item() + value;
    }
}

#[test]
fn users_names_are_not_used() {
    use shadowed_names::{CONSTANT, LAZY, OWNING, OWNING_STATIC, STATIC, in_function};

    assert_eq!((LAZY.get(), CONSTANT.get(), OWNING.with(String::len), *STATIC), (1, 2, 5, 3));
    assert_eq!((OWNING_STATIC[0], in_function()), (4, 9));
    let from_items = (shadowed_by_items::LAZY.with(|number| *number), *shadowed_by_items::STATIC);
    assert_eq!((from_items, shadowed_by_items::CONSTANT.with(|number| *number)), ((1, 3), 2));
}

#[test]
fn users_macros_are_not_called() {
    use shadowed_macros::{CONSTANT, LAZY, STATIC, in_function};

    assert_eq!([&LAZY, &CONSTANT].map(|key| key.with(|number| *number)), [1, 2]);
    assert_eq!((*STATIC, in_function()), (3, 9));
}

#[test]
fn users_methods_are_not_called() {
    assert_eq!(with_methods_by_value::LAZY.with(String::len), 3);
    assert_eq!(with_methods_by_value::CONSTANT.with(|number| *number) + *with_methods_by_value::STATIC, 5);
    assert_eq!(with_methods_by_reference::LAZY.with(String::len), 3);
    assert_eq!(with_methods_by_reference::CONSTANT.with(|number| *number) + *with_methods_by_reference::STATIC, 5);
    assert_eq!(with_associated_items::LAZY.with(String::len), 3);
    assert_eq!(with_associated_items::CONSTANT.with(|number| *number) + *with_associated_items::STATIC, 5);
}

#[test]
fn no_prelude_is_needed() {
    use without_prelude::{CONSTANT, LAZY, STATIC, in_function};

    assert_eq!((LAZY.with(String::len), CONSTANT.with(|number| *number), *STATIC, in_function()), (0, 2, 3, 9));
}

#[test]
fn the_crate_may_have_any_name() {
    assert_eq!((renamed::LAZY.with(|number| *number), *renamed::STATIC), (1, 3));
    assert_eq!(renamed::plugin_tls::BY_ANOTHER_NAME.with(|number| *number), 4);
}

#[test]
fn initializers_see_the_users_scope() {
    assert_eq!((users_scope::LAZY.with(|number| *number), *users_scope::STATIC), (2, 2));
}

#[test]
fn descriptions_are_the_same_everywhere() {
    use plugin_tls::__private::shape_text;

    macro_rules! described_in {
        ($($module:ident)*) => {[$(
            shape_text::<(
                $module::Described,
                $module::Choice,
                Box<dyn $module::Object + Send + Sync>,
            )>().replace(&format!("{}::", stringify!($module)), "")
        ),*]};
    }
    // The lengths of the paths differ.
    let without_numbers = |text: String| text.replace(|c: char| c.is_ascii_digit(), "");
    let all = described_in! {
        shadowed_macros shadowed_names shadowed_by_items with_methods_by_value with_methods_by_reference
        with_associated_items without_prelude
    };
    let all = all.map(without_numbers);
    assert!(all.iter().all(|text| *text == all[0]), "{all:#?}");
}
