//! Shapes of users' types and of std's.

#![allow(dead_code, reason = "most types are only described")]

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, LazyCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use plugin_tls_core::__private::shape_text;
use plugin_tls_core::Shape;

/// A type without shape.
struct Foreign<T>(T);

/// The text of `T`'s shape between its start and its end, where `before` must be.
fn text<T: Shape + ?Sized>() -> String {
    shape_text::<T>()
}

/// Fails unless all `parts` occur in the shape of `T`, in this order.
#[track_caller]
fn has<T: Shape + ?Sized>(parts: &[&str]) {
    let text = text::<T>();
    let mut rest = text.as_str();
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { panic!("{part} is not in {rest}, of {text}") };
        rest = after;
    }
}

#[track_caller]
fn lacks<T: Shape + ?Sized>(part: &str) {
    let text = text::<T>();
    assert!(!text.contains(part), "{part} is in {text}");
}

#[derive(Shape)]
struct User {
    name: String,
    age: u8,
}

#[derive(Shape)]
struct Tuple(u8, Vec<User>);

#[derive(Shape)]
struct Unit;

#[derive(Shape)]
#[repr(C, packed(2))]
struct Packed {
    byte: u8,
    number: u64,
}

#[test]
fn structs_have_names_offsets_and_sizes() {
    has::<User>(&[
        "S11:shape::User=7:version3:0.5=5:build32:",
        "=4:size2:32=9:alignment1:8=16:size of `Option`2:32",
        "@0;5:.nameT19:std::string::String)",
        "@24;4:.ageB2:u8)",
    ]);
    has::<Tuple>(&["@24;2:.0B2:u8)", "@0;2:.1T13:std::vec::Vec.6:[item]S11:shape::User"]);
    has::<Unit>(&["S11:shape::Unit", "4:size1:0"]);
    has::<Packed>(&["alignment1:2", "4:repr11:C,packed(2)", "@0;5:.byte", "@2;7:.number"]);
}

#[derive(Shape)]
enum Plain {
    First,
    Text(String),
    Named { r#type: u8, value: Option<u16> },
}

#[derive(Shape)]
#[repr(i16)]
enum Numbered {
    Low = -(2 + 1),
    Next,
    High = 0x7f,
}

#[derive(Shape)]
#[repr(C, u8)]
enum WithFields {
    Number(u32) = 0b11,
}

#[derive(Shape)]
enum Never {}

#[test]
fn enums_have_variants_in_order() {
    has::<Plain>(&[
        "E12:shape::Plain",
        "7:::FirstV5:First)",
        "6:::TextV4:Text.2:.0T19:std::string::String))",
        "7:::NamedV5:Named.5:.typeB2:u8).6:.valueT19:std::option::Option.0:B3:u16)))",
    ]);
    // The `String` in it leaves room for the variants, and for one more.
    assert_eq!(size_of::<Option<Plain>>(), 24);
    has::<Plain>(&["4:size2:24", "16:size of `Option`2:24"]);
    lacks::<Plain>("discriminant");
    has::<Numbered>(&["4:repr3:i16", "Low=12:discriminant2:-3)", "Next)", "High=12:discriminant3:127)"]);
    has::<WithFields>(&["4:repr4:C,u8", "Number=12:discriminant1:3.2:.0B3:u32)"]);
    has::<Never>(&["E12:shape::Never"]);
}

#[derive(Shape)]
union Bits {
    float: f32,
    bytes: [u8; 4],
}

#[test]
fn unions_have_fields() {
    has::<Bits>(&["U11:shape::Bits", "@0;6:.floatB3:f32)", "@0;6:.bytesB7:[{}; _]=6:length1:4.6:[item]B2:u8))"]);
}

#[derive(Shape)]
struct List {
    next: Option<Box<List>>,
    others: Vec<Pair>,
}

#[derive(Shape)]
struct Pair(Rc<RefCell<List>>, Rc<RefCell<List>>);

#[derive(Shape)]
struct Tree<T> {
    value: T,
    children: Vec<Tree<T>>,
    swapped: Option<Box<Swapped<u8, T>>>,
}

#[derive(Shape)]
struct Swapped<A, B>(Option<Box<Swapped<B, A>>>, A);

#[test]
fn recursive_types_end() {
    has::<List>(&["S11:shape::List", ".nextT19:std::option::Option.0:T15:std::boxed::Box.0:R0;))"]);
    // The second field of the pair refers to the first one's type: `List` is 0, then `Option`, `Box`, `Vec`, `Pair`, `Rc`.
    has::<List>(&["2:.0T11:std::rc::Rc.0:T18:std::cell::RefCell.0:R0;))", "2:.1R5;"]);
    has::<Tree<u16>>(&["3:<T>B3:u16)", "S14:shape::Swapped", "S14:shape::Swapped", "R"]);
}

#[derive(Shape)]
struct Generic<'a, 'b: 'a, T: ?Sized + Debug, U, const N: usize, const FLAG: bool>
where
    U: Clone + 'a,
    &'a T: Debug,
{
    borrowed: &'a T,
    text: &'b str,
    object: Box<dyn Fn(u8) -> U + 'a>,
    array: [U; N],
    marker: PhantomData<fn(&'a u8) -> U>,
    foreign: Foreign<Cow<'b, str>>,
}

#[derive(Shape)]
struct Unsized<T: ?Sized> {
    first: u8,
    last: T,
}

#[test]
fn generic_types_have_arguments() {
    type Example = Generic<'static, 'static, str, u16, 3, true>;
    has::<Example>(&["1:N1:3=4:FLAG4:true", "3:<T>B3:str)", "3:<U>B3:u16)", ".borrowedB3:&{}.0:R1;)"]);
    has::<Example>(&[".objectT15:std::boxed::Box.0:B16:dyn Fn({}) -> {}.12:[argument 0]B2:u8).8:[result]R2;))"]);
    has::<Example>(&[".foreignL", "shape::Foreign<alloc::borrow::Cow<", "7:type id32:"]);
    has::<Unsized<u32>>(&[".firstB2:u8)", ".lastR1;"]);
    // The name is the same, and so the arguments have to differ.
    assert_ne!(
        text::<Generic<'static, 'static, str, u16, 3, true>>(),
        text::<Generic<'static, 'static, str, u16, 3, false>>()
    );
    assert_ne!(text::<Unsized<u32>>(), text::<Unsized<i32>>());
}

#[derive(Shape)]
struct WithConditions {
    #[cfg(test)]
    there: u8,
    #[cfg(not(test))]
    not_there: Missing,
}

#[plugin_tls_core::shape]
trait Object<'a, T: Clone + 'a>: Parent + Numbers<Item = T> + Send
where
    Self: Debug,
    T: Debug,
{
    type Output: Clone;
    type OfType
    where
        Self: Sized;

    fn by_reference(&self, text: &str, value: T) -> Option<Self::Output>;
    #[cfg(not(test))]
    fn not_there(&self, missing: Missing);
    #[cfg(test)]
    fn changes(&mut self, #[cfg(not(test))] missing: Missing, user: &'a User, #[cfg(test)] last: Cow<'_, str>);
    fn generic<U>(&self, of: U) -> Self::OfType
    where
        Self: Sized;
    fn new() -> Self
    where
        Self: Sized;
    unsafe extern "C" fn consumes(self: Box<Self>, function: fn(&str) -> &str) -> !;
    fn provided<'b>(&'b self, first: &'a str, second: &'b str) -> &'b str {
        let _ = first;
        second
    }
}

#[plugin_tls_core::shape]
trait Parent {
    fn parent(&self);
}

trait Numbers {
    type Item;
}

/// # Safety
///
/// Nothing is asked.
#[plugin_tls_core::shape]
unsafe trait Plugin {}

type AnObject = dyn Object<'static, u8, Output = String, Item = u8>;

#[test]
fn objects_have_methods_in_order() {
    has::<AnObject>(&[
        "I13:shape::Object",
        "3:<T>B2:u8)",
        "8:<Output>T19:std::string::String)",
        "[supertrait 0]I13:shape::Parent",
        "::parentM6:parent=8:receiver5:&self)",
        "[supertrait 1]L",
        "shape::Numbers<Item = u8>",
        "[supertrait 2]L",
        "[supertrait 3]L",
        "::by_reference",
        "8:receiver5:&self=9:lifetimes1:_.12:[argument 0]B3:&{}.0:B3:str)).12:[argument 1]R1;.8:[result]T19:std::option::Option.0:R2;)",
        "::changes",
        "8:receiver9:&mut self",
        "[argument 1]B3:&{}.0:S11:shape::User",
        "[argument 2]T16:std::borrow::Cow",
        "::consumes",
        "8:receiver9:Box<Self>=6:unsafe3:yes=3:ABI9:extern\"C\"=6:result1:!",
        "::provided",
        "9:lifetimes8:0 t0 0 0",
    ]);
    for absent in ["not_there", "generic", "::new", "OfType"] {
        lacks::<AnObject>(absent);
    }
    has::<dyn Plugin>(&["I13:shape::Plugin", "6:unsafe3:yes"]);
    has::<WithConditions>(&[".there"]);
    lacks::<WithConditions>("not_there");
}

#[test]
fn objects_are_combined_with_auto_traits() {
    has::<dyn Parent + Send>(&["B9:{} + Send.0:I13:shape::Parent"]);
    has::<dyn Parent + Sync>(&["B9:{} + Sync.0:I13:shape::Parent"]);
    has::<Vec<Box<dyn Parent + Send + Sync>>>(&["B16:{} + Send + Sync.0:I13:shape::Parent"]);
    has::<Arc<Mutex<dyn Parent>>>(&["std::sync::Arc.0:T16:std::sync::Mutex.0:I13:shape::Parent"]);
}

/// What a field of a type is described as.
macro_rules! field {
    ($ty:ty) => {{
        #[derive(Shape)]
        struct Holder {
            field: $ty,
        }
        text::<Holder>().rsplit_once(";6:.field").expect("it has the field").1.to_owned()
    }};
}

#[test]
fn types_of_std_have_shapes() {
    has::<RefCell<String>>(&["shape1;T18:std::cell::RefCell.0:T19:std::string::String))"]);
    has::<HashMap<String, Box<dyn Parent>>>(&[
        "T25:std::collections::HashMap.5:[key]T19:std::string::String).7:[value]T15:std::boxed::Box.0:I13:shape::Parent",
        "8:[hasher]T39:std::collections::hash_map::RandomState))",
    ]);
    has::<fn(u8, &'static str) -> Duration>(&["B16:fn({}, {}) -> {}.12:[argument 0]B2:u8).12:[argument 1]B3:&{}"]);
    has::<unsafe extern "C" fn()>(&["unsafe extern \"C\" fn() -> {}"]);
    has::<Box<dyn FnMut(u8, u16) -> i8 + Send + Sync>>(&[
        "dyn FnMut({}, {}) -> {} + Send + Sync.12:[argument 0]B2:u8)",
    ]);
    has::<(u8, (u16,), ())>(&["B12:({}, {}, {}).2:.0B2:u8).2:.1B5:({},).2:.0B3:u16)).2:.2B2:()))"]);
    for of_std in [
        field!(Result<Box<dyn Any + Send>, Box<dyn Error + Send + Sync>>),
        field!(LazyLock<BTreeMap<&'static str, RwLock<Cell<u8>>>>),
        field!(LazyCell<Cow<'static, [u8]>>),
        field!(JoinHandle<*const std::num::NonZeroU8>),
        field!(Option<std::sync::mpsc::SyncSender<std::net::SocketAddr>>),
        field!(std::path::PathBuf),
        field!([std::sync::atomic::AtomicU8; 2]),
        field!(&'static mut [std::ffi::OsString]),
        field!(std::pin::Pin<Box<dyn Fn()>>),
    ] {
        assert!(!of_std.contains("type id"), "{of_std}");
    }
}

#[test]
fn what_has_no_shape_is_a_leaf() {
    for leaf in [
        field!(Foreign<u8>),
        field!(Vec<Foreign<u8>>),
        field!(fn(&str) -> String),
        field!(Box<dyn for<'a> Fn(&'a str) -> &'a str>),
        field!(Box<dyn Numbers<Item = u8>>),
    ] {
        assert!(leaf.starts_with('L') && leaf.contains("=4:size"), "{leaf}");
    }
    assert_ne!(field!(Foreign<u8>), field!(Foreign<i8>));
}

/// Two versions of some types, which differ in one thing each.
mod versions {
    macro_rules! version {
        ($name:ident: $($tokens:tt)*) => {
            pub(super) mod $name {
                use plugin_tls_core::Shape;

                $($tokens)*
            }
        };
    }

    version! { one:
        #[derive(Shape)] pub struct Same { a: u8, b: Vec<Same> }
        #[derive(Shape)] pub struct Swapped { a: u32, b: u32 }
        #[derive(Shape)] pub struct Behind(std::sync::Arc<Inner>);
        #[derive(Shape)] pub struct Inner { a: u8 }
        #[derive(Shape)] pub enum Variants { A, B }
        #[derive(Shape)] pub enum Fields { A(u8, i8) }
        #[plugin_tls_core::shape] pub trait Added { fn a(&self); }
        #[plugin_tls_core::shape] pub trait Arguments { fn a(&self, b: u8); }
        #[plugin_tls_core::shape] pub trait Order { fn a(&self); fn b(&self); }
    }
    version! { two:
        /// A comment, and other names for what is the same.
        #[derive(Shape)] pub struct Same { a: core::primitive::u8, b: std::vec::Vec<self::Same> }
        #[derive(Shape)] pub struct Swapped { b: u32, a: u32 }
        #[derive(Shape)] pub struct Behind(std::sync::Arc<Inner>);
        #[derive(Shape)] pub struct Inner { a: u8, b: u8 }
        #[derive(Shape)] pub enum Variants { B, A }
        #[derive(Shape)] pub enum Fields { A(i8, u8) }
        #[plugin_tls_core::shape] pub trait Added { fn a(&self); fn b(&self); }
        #[plugin_tls_core::shape] pub trait Arguments { fn a(&self, b: u16); }
        #[plugin_tls_core::shape] pub trait Order { fn b(&self); fn a(&self); }
    }
}

#[test]
fn edits_change_the_shape() {
    use versions::{one, two};

    let later = |text: String| text.replace("::two::", "::one::");
    assert_eq!(text::<one::Same>(), later(text::<two::Same>()));
    for (known, offered) in [
        (text::<one::Swapped>(), text::<two::Swapped>()),
        (text::<one::Behind>(), text::<two::Behind>()),
        (text::<one::Variants>(), text::<two::Variants>()),
        (text::<one::Fields>(), text::<two::Fields>()),
        (text::<dyn one::Added>(), text::<dyn two::Added>()),
        (text::<dyn one::Arguments>(), text::<dyn two::Arguments>()),
        (text::<dyn one::Order>(), text::<dyn two::Order>()),
    ] {
        assert_ne!(known, later(offered));
    }
}

/// A module in which the project's crate has another name.
mod renamed {
    extern crate plugin_tls_core as tls;

    #[derive(tls::Shape)]
    #[shape(crate = tls)]
    pub(super) struct Type(u8);

    #[tls::shape(crate = tls)]
    pub(super) trait Trait {}
}

/// A module that imports the derive and the attribute, which have one name but for case.
mod imported {
    use plugin_tls_core::{Shape, shape};

    #[derive(Shape)]
    pub(super) struct Type(u8);

    #[shape]
    pub(super) trait Trait {}
}

#[test]
fn the_crate_can_be_named() {
    has::<imported::Type>(&["S21:shape::imported::Type"]);
    has::<dyn imported::Trait>(&["I22:shape::imported::Trait"]);
    has::<renamed::Type>(&["S20:shape::renamed::Type"]);
    has::<dyn renamed::Trait>(&["I21:shape::renamed::Trait"]);
}
