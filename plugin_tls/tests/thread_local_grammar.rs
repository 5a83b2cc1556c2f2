//! `thread_local!` accepts every form that std's macro accepts, in every place where std's macro is allowed.

#![allow(unreachable_pub, reason = "visibilities are part of the grammar")]
#![allow(clippy::all, reason = "clippy advises against some of the forms")]
#![allow(non_upper_case_globals, reason = "names in lower case are part of the grammar")]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

// An empty list of items is valid.
plugin_tls::thread_local! {}
plugin_tls::thread_local!();
plugin_tls::thread_local![];

#[test]
fn the_last_semicolon_is_optional() {
    plugin_tls::thread_local! { static WITHOUT: u32 = 1 }
    plugin_tls::thread_local! { static WITH: u32 = 2; }
    plugin_tls::thread_local! {
        static FIRST: u32 = 3;
        static SECOND: u32 = const { 4 };
        static THIRD: u32 = const { 5 }
    }
    plugin_tls::thread_local! {
        static FOURTH: u32 = const { 6 };
        static FIFTH: u32 = 7
    }
    let values = [&WITHOUT, &WITH, &FIRST, &SECOND, &THIRD, &FOURTH, &FIFTH].map(|key| key.with(|value| *value));
    assert_eq!(values, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn all_brackets_work_in_statements() {
    plugin_tls::thread_local!(static PARENS: u32 = 1);
    plugin_tls::thread_local!(
        static PARENS_TWICE: u32 = 2;
        static AND_AGAIN: u32 = 3;
    );
    plugin_tls::thread_local![static BRACKETS: u32 = 4];
    plugin_tls::thread_local! { static BRACES: u32 = 5 }
    let values = [&PARENS, &PARENS_TWICE, &AND_AGAIN, &BRACKETS, &BRACES].map(|key| key.with(|value| *value));
    assert_eq!(values, [1, 2, 3, 4, 5]);
}

plugin_tls::thread_local! {
    /// Documented.
    ///
    /// At length.
    #[allow(dead_code)]
    #[doc(alias = "paper")]
    pub static DOCUMENTED: Cell<u32> = Cell::new(1);

    /** In a block. */
    #[doc = concat!("By", " macro.")]
    static DOCUMENTED_OTHERWISE: Cell<u32> = const { Cell::new(2) };

    #[cfg(not(test))]
    static ABSENT: NoSuchType = no_such_function();

    #[cfg(not(test))]
    static CHOSEN: u8 = const { 1 };

    #[cfg(test)]
    static CHOSEN: u16 = const { 2 };

    #[cfg_attr(test, cfg(not(test)))]
    static ABSENT_TOO: NoSuchType = const { no_such_function() };

    #[cfg(any(test, doc))]
    #[deprecated(note = "for this test")]
    static OLD: u32 = 3
}

#[test]
fn attributes_apply_to_the_item() {
    assert_eq!((DOCUMENTED.get(), DOCUMENTED_OTHERWISE.get()), (1, 2));
    let chosen: u16 = CHOSEN.with(|value| *value);
    assert_eq!(chosen, 2);
    #[expect(deprecated, reason = "shows that the attribute is there")]
    let old = OLD.with(|value| *value);
    assert_eq!(old, 3);
}

mod visible {
    pub mod inner {
        plugin_tls::thread_local! {
            pub static EVERYWHERE: u32 = 1;
            pub(crate) static CRATE: u32 = 2;
            pub(super) static PARENT: u32 = 3;
            pub(in crate::visible) static PATH: u32 = 4;
            pub(in super::super) static UP: u32 = const { 5 };
            pub(self) static HERE: u32 = 6;
            static PRIVATE: u32 = 7;
        }

        pub fn sum_of_private() -> u32 {
            HERE.with(|here| PRIVATE.with(|private| here + private))
        }
    }

    pub use inner::EVERYWHERE as REEXPORTED;

    pub fn sum_of_restricted() -> u32 {
        inner::PARENT.with(|parent| inner::PATH.with(|path| parent + path))
    }
}

#[test]
fn all_visibilities_are_accepted() {
    use visible::inner::{CRATE, UP};

    assert_eq!(visible::REEXPORTED.with(|value| *value), 1);
    assert_eq!(CRATE.with(|value| *value) + UP.with(|value| *value), 7);
    assert_eq!((visible::inner::sum_of_private(), visible::sum_of_restricted()), (13, 7));
}

/// A type with a destructor and a constant constructor.
struct Droppable(u32);

impl Drop for Droppable {
    fn drop(&mut self) {}
}

impl Droppable {
    const fn new(value: u32) -> Self {
        Droppable(value)
    }
}

#[test]
fn constant_initializers_are_blocks() {
    const fn square(value: u32) -> u32 {
        value * value
    }
    plugin_tls::thread_local! {
        static STATEMENTS: Cell<u32> = const {
            const SIDE: u32 = 3;
            let mut sum = 0;
            let mut index = 0;
            while index < SIDE {
                sum += square(index);
                index += 1;
            }
            Cell::new(sum)
        };
        static DROPPABLE: Droppable = const { Droppable::new(square(4)) };
        static GROWING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        static NESTED: Option<Cell<[u8; 2]>> = const { if square(2) == 4 { Some(Cell::new([1; 2])) } else { None } };
        static UNIT: () = const {};
        static ELIDED: &str = const { "borrowed" };
    }
    assert_eq!(STATEMENTS.get(), 5);
    assert_eq!(DROPPABLE.with(|value| value.0), 16);
    GROWING.with_borrow_mut(|growing| growing.push("grown".to_owned()));
    assert_eq!(GROWING.take(), ["grown"]);
    assert_eq!(NESTED.with(|nested| nested.as_ref().map(Cell::get)), Some([1, 1]));
    UNIT.with(|()| ());
    assert_eq!(ELIDED.with(|text| text.len()), 8);
}

#[test]
fn a_block_may_begin_an_expression() {
    plugin_tls::thread_local! {
        static BLOCK: u32 = { 1 } + 1;
        static CONST_BLOCK: u32 = const { 2 } + 1;
        static CONDITION: u32 = if CONST_BLOCK.with(|value| *value == 3) { 3 } else { 0 } + 1;
        static MATCH: usize = match "four" { text => text }.len() + 1;
        static CAST: u64 = { 6_u32 } as u64;
        static LABELED: u32 = 'outer: { break 'outer 7 };
        static LOOPED: u32 = loop { break 8 };
    }
    assert_eq!(BLOCK.with(|value| *value), 2);
    assert_eq!(CONST_BLOCK.with(|value| *value), 3);
    assert_eq!(CONDITION.with(|value| *value), 4);
    assert_eq!(MATCH.with(|value| *value), 5);
    assert_eq!(CAST.with(|value| *value), 6);
    assert_eq!(LABELED.with(|value| *value), 7);
    assert_eq!(LOOPED.with(|value| *value), 8);
}

trait Shape {
    type Side;
    const SIDES: usize;
}

struct Square;

impl Shape for Square {
    type Side = [u8; 4];
    const SIDES: usize = 4;
}

struct Signed<const N: i32>;

trait Producer<F> {
    type Item;
    fn produce(&self) -> Self::Item;
}

impl Producer<fn() -> u8> for Square {
    type Item = u8;
    fn produce(&self) -> u8 {
        4
    }
}

#[test]
fn all_forms_of_types_are_accepted() {
    fn double(value: u32) -> u32 {
        2 * value
    }
    const LENGTH: usize = 2;
    plugin_tls::thread_local! {
        static FUNCTION: fn(u32) -> u32 = double;
        static HIGHER: fn(fn(u32) -> u32) -> Option<fn(u32) -> u32> = |function| Some(function);
        static FOREIGN: Option<unsafe extern "C" fn(*const u8) -> *mut u8> = None;
        static BORROWING: for<'a> fn(&'a str) -> &'a str = |text| text.trim();
        static OBJECT: Option<Box<dyn Fn(u32) -> u32>> = Some(Box::new(|value| value + 1));
        static BOUND: RefCell<Box<dyn Iterator<Item = u8>>> = RefCell::new(Box::new(0..3));
        static TWICE_BOUND: Option<Box<dyn Fn() -> Box<dyn Iterator<Item = Vec<u8>>> + Send + 'static>>= None;
        static ARROW_BEFORE_BINDING: &'static dyn Producer<fn() -> u8, Item = u8> = &Square;
        static ARRAY: [u8; LENGTH * 2 + 1] = [1; 5];
        static COMPARED: [u8; (LENGTH >= 2) as usize + (3 > LENGTH) as usize] = [1; 2];
        static NESTED_ARRAY: [[Option<u8>; { const N: usize = 2; N << 1 }]; 2] = [[None; 4]; 2];
        static NEGATIVE: Signed<-1> = Signed;
        static BRACED: Signed<{ if LENGTH > 1 { 3 } else { 4 } }> = Signed;
        static REFERENCE: &'static [&'static str] = &["a", "b"];
        static POINTER: *const u8 = std::ptr::null();
        static TUPLE: (u8, Vec<Vec<u8>>, (i8,)) = (1, vec![vec![2]], (3,));
        static UNIT: () = ();
        static GENERIC: HashMap<String, Vec<Option<Box<[u8]>>>> = HashMap::new();
        static ADJACENT: Vec<u8>= vec![1];
        static SHIFTED: Vec<Vec<u8>>=vec![vec![]];
        static PATH: ::std::vec::Vec<self::Droppable> = Vec::new();
        static PROJECTED: <Square as Shape>::Side = [0; <Square as Shape>::SIDES];
        static TRAIT_OBJECT: &'static (dyn Fn(&str) -> usize + Sync) = &|text| text.len();
        static INFERRED_LENGTH: Box<[u8]> = Box::from([1, 2, 3]);
    }
    assert_eq!(FUNCTION.with(|function| function(2)), 4);
    assert_eq!(HIGHER.with(|function| function(double).map(|function| function(3))), Some(6));
    assert!(FOREIGN.with(Option::is_none));
    assert_eq!(BORROWING.with(|function| function(" a ")), "a");
    assert_eq!(OBJECT.with(|function| function.as_ref().map(|function| function(1))), Some(2));
    assert_eq!(BOUND.with_borrow_mut(|iterator| iterator.sum::<u8>()), 3);
    assert!(TWICE_BOUND.with(Option::is_none));
    assert_eq!(ARROW_BEFORE_BINDING.with(|producer| producer.produce()), 4);
    assert_eq!(ARRAY.with(|array| array.len()) + COMPARED.with(|array| array.len()), 7);
    assert_eq!(NESTED_ARRAY.with(|array| array.iter().flatten().flatten().count()), 0);
    NEGATIVE.with(|_: &Signed<-1>| ());
    BRACED.with(|_: &Signed<3>| ());
    assert_eq!(REFERENCE.with(|texts| texts.concat()), "ab");
    assert!(POINTER.with(|pointer| pointer.is_null()));
    assert_eq!(TUPLE.with(|tuple| tuple.1[0][0]), 2);
    UNIT.with(|()| ());
    assert!(GENERIC.with(HashMap::is_empty));
    assert_eq!(ADJACENT.with(Vec::len) + SHIFTED.with(Vec::len), 2);
    assert!(PATH.with(Vec::is_empty));
    assert_eq!(PROJECTED.with(|side| side.len()), 4);
    assert_eq!(TRAIT_OBJECT.with(|function| function("abc")), 3);
    assert_eq!(INFERRED_LENGTH.with(|slice| slice.len()), 3);
}

/// A user's macro, which passes fragments to ours.
macro_rules! declare {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident: $ty:ty = $initializer:expr),* $(,)?) => {
        plugin_tls::thread_local! {
            $($(#[$attribute])* $visibility static $name: $ty = $initializer;)*
        }
    };
}

macro_rules! declare_constant {
    ($name:ident: $ty:ty = $initializer:block) => {
        plugin_tls::thread_local!(static $name: $ty = const $initializer);
    };
}

macro_rules! pass_on {
    ($($items:tt)*) => {
        plugin_tls::thread_local! { $($items)* }
    };
}

macro_rules! wrapped {
    ($name:ident: $ty:ty) => {
        plugin_tls::thread_local!(static $name: RefCell<Option<$ty>> = const { RefCell::new(None) });
    };
}

macro_rules! texts {
    ($first:literal, $path:path, $lifetime:lifetime) => {
        plugin_tls::thread_local! {
            static LITERAL: &$lifetime str = $first;
            static OF_PATH: $path = <$path>::from($first);
        }
    };
}

declare! {
    /// Documented in a macro.
    #[allow(dead_code)]
    pub FROM_MACRO: Cell<u32> = Cell::new(1),
    pub(crate) OF_TRAIT: Box<dyn Fn(u8) -> u8> = Box::new(|value| value + 1),
    NO_VISIBILITY: Vec<Vec<u8>> = vec![vec![1]],
    #[cfg(not(test))]
    FROM_MACRO_ABSENT: NoSuchType = 1,
    SUM: u32 = 1 + 1,
}
declare_constant!(FROM_MACRO_CONSTANT: [u8; 1 + 1] = { [7; 2] });
pass_on! { static PASSED: dyn_free::Alias = 1; static PASSED_TOO: u8 = 2 }
wrapped!(WRAPPED: Box<dyn Fn(u32) -> u32>);
texts!("text", String, 'static);

mod dyn_free {
    pub type Alias = u64;
}

#[test]
fn users_macros_may_declare_items() {
    FROM_MACRO.set(2);
    assert_eq!(FROM_MACRO.get(), 2);
    assert_eq!(OF_TRAIT.with(|function| function(1)), 2);
    assert_eq!(NO_VISIBILITY.with(Vec::len), 1);
    assert_eq!(SUM.with(|value| *value), 2);
    assert_eq!(FROM_MACRO_CONSTANT.with(|value| *value), [7, 7]);
    assert_eq!(PASSED.with(|value| *value) + u64::from(PASSED_TOO.with(|value| *value)), 3);
    assert!(WRAPPED.take().is_none());
    assert_eq!(LITERAL.with(|text| text.len()) + OF_PATH.with(String::len), 8);
}

/// Declares an item whose name is written in this macro only. Hygiene does not apply to the names of items.
macro_rules! counter {
    ($function:ident) => {
        fn $function() -> u32 {
            plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
            COUNT.set(COUNT.get() + 1);
            COUNT.get()
        }
    };
}
counter!(first_counter);
counter!(second_counter);

#[test]
fn a_macro_may_declare_the_same_item_in_several_functions() {
    assert_eq!((first_counter(), first_counter(), second_counter()), (1, 2, 1));
}

plugin_tls::thread_local! {
    static lower: Cell<u32> = Cell::new(1);
    static camelCase: Cell<u32> = const { Cell::new(2) };
    static r#type: Cell<u32> = Cell::new(3);
    static r#LOUD: Cell<u32> = Cell::new(4);
    static größe: Cell<u32> = Cell::new(5);
    static _UNDERSCORE: Cell<u32> = Cell::new(6);
    static __: Cell<u32> = Cell::new(7);
}

mod r#match {
    pub fn r#loop() -> u32 {
        plugin_tls::thread_local!(static r#type: u32 = 8);
        r#type.with(|value| *value)
    }
}

#[test]
fn names_may_be_any_identifier() {
    let values = [&lower, &camelCase, &r#type, &LOUD, &größe, &_UNDERSCORE, &__].map(|key| key.get());
    assert_eq!(values, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(r#match::r#loop(), 8);
}

struct Holder<T>(T);

impl<T> Holder<T> {
    const COUNT: u32 = {
        plugin_tls::thread_local!(static IN_ASSOCIATED_CONSTANT: u32 = 1);
        2
    };

    fn count(&self) -> u32 {
        plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
        COUNT.set(COUNT.get() + 1);
        COUNT.get()
    }
}

trait Counting {
    fn count_by_default(&self) -> u32 {
        plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(10) });
        COUNT.set(COUNT.get() + 1);
        COUNT.get()
    }

    fn count_here(&self) -> u32;
}

impl Counting for Holder<u8> {
    fn count_here(&self) -> u32 {
        plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(20) });
        COUNT.set(COUNT.get() + 1);
        COUNT.get()
    }
}

impl<T> Counting for Holder<Vec<T>> {
    fn count_here(&self) -> u32 {
        plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(30) });
        COUNT.set(COUNT.get() + 1);
        COUNT.get()
    }
}

impl Counting for [u8; 2] {
    fn count_here(&self) -> u32 {
        plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(40) });
        COUNT.get()
    }
}

fn count_in_generic<T>(_: T) -> u32 {
    plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    COUNT.set(COUNT.get() + 1);
    COUNT.get()
}

const _: () = {
    plugin_tls::thread_local!(static IN_ANONYMOUS_CONSTANT: u32 = 1);
};

static HELPER: fn() -> u32 = {
    plugin_tls::thread_local!(static IN_STATIC: u32 = 9);
    || IN_STATIC.with(|value| *value)
};

#[test]
fn items_may_be_declared_in_any_body() {
    let in_closure = || {
        plugin_tls::thread_local!(static IN_CLOSURE: Cell<u32> = const { Cell::new(0) });
        IN_CLOSURE.set(IN_CLOSURE.get() + 1);
        IN_CLOSURE.get()
    };
    assert_eq!((in_closure(), in_closure()), (1, 2));

    assert_eq!((Holder(1_u8).count(), Holder("text").count()), (1, 2), "an item is not generic, wherever it stands");
    assert_eq!((count_in_generic(1_u8), count_in_generic("text")), (1, 2));
    assert_eq!(Holder::<String>::COUNT, 2);

    assert_eq!(Holder(1_u8).count_here(), 21);
    assert_eq!((Holder(vec![1_u8]).count_here(), Holder(vec!["a"]).count_here()), (31, 32));
    assert_eq!([1_u8; 2].count_here(), 40);
    assert_eq!((Holder(1_u8).count_by_default(), [1_u8; 2].count_by_default()), (11, 12));

    let in_const_block = const {
        plugin_tls::thread_local!(static IN_CONST_BLOCK: u32 = 5);
        || IN_CONST_BLOCK.with(|value| *value)
    };
    assert_eq!(in_const_block(), 5);
    assert_eq!(HELPER(), 9);
}

async fn count_in_future() -> u32 {
    plugin_tls::thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    COUNT.set(COUNT.get() + 1);
    COUNT.get()
}

#[test]
fn items_may_be_declared_in_asynchronous_functions() {
    use std::future::Future as _;
    use std::task::{Context, Poll, Waker};

    let mut context = Context::from_waker(Waker::noop());
    for expected in [1, 2] {
        assert_eq!(std::pin::pin!(count_in_future()).poll(&mut context), Poll::Ready(expected));
    }
}

mod outer {
    plugin_tls::thread_local!(pub static SAME: u32 = 1);
    pub mod inner {
        plugin_tls::thread_local!(pub static SAME: u32 = 2);
        pub mod inner {
            plugin_tls::thread_local!(pub static SAME: u32 = super::SAME.with(|above| above + 1));
        }
    }
}

#[test]
fn modules_may_declare_items_of_the_same_name() {
    let values = [&outer::SAME, &outer::inner::SAME, &outer::inner::inner::SAME].map(|key| key.with(|value| *value));
    assert_eq!(values, [1, 2, 3]);
}

#[test]
fn equal_items_in_two_blocks_are_two_items() {
    let values: [fn() -> u32; 2] = [
        || {
            plugin_tls::thread_local!(static SAME: Cell<u32> = const { Cell::new(1) });
            SAME.replace(SAME.get() + 10)
        },
        || {
            plugin_tls::thread_local!(static SAME: Cell<u32> = const { Cell::new(2) });
            SAME.replace(SAME.get() + 10)
        },
    ];
    assert_eq!([values.map(|value| value()), values.map(|value| value())], [[1, 2], [11, 12]]);
}

trait Numbered {
    fn number() -> u32;
}

/// Declares an item in an anonymous constant, as derive macros do.
macro_rules! number {
    ($name:ident = $number:expr) => {
        struct $name;
        const _: () = {
    plugin_tls::thread_local!(static NUMBER: Cell<u32> = const { Cell::new($number) });
            impl Numbered for $name {
                fn number() -> u32 {
                    NUMBER.get()
                }
            }
        };
    };
}
number!(One = 1);
number!(Two = 2);

#[test]
fn equal_items_in_two_anonymous_constants_are_two_items() {
    assert_eq!([One::number(), Two::number()], [1, 2]);
}

#[test]
fn all_forms_of_initializers_are_accepted() {
    fn fallible() -> Result<u32, std::num::ParseIntError> {
        "7".parse::<u32>()
    }
    macro_rules! seven {
        () => {
            7
        };
    }
    struct Point {
        x: u32,
    }
    plugin_tls::thread_local! {
        static RETURNS: u32 = { if fallible().is_ok() { return 7; } 8 };
        static RETURNS_AT_ONCE: u32 = return 7;
        static CLOSURE: fn(u32, u32) -> u32 = |a, b| a + b;
        static CALLED_CLOSURE: u32 = (|| fallible().unwrap())();
        static QUESTION: Option<u32> = (|| { let value = fallible().ok()?; Some(value) })();
        static MACRO: u32 = seven!();
        static MACRO_BRACES: Vec<u32> = vec! { 7 };
        static STRUCTURE: Point = Point { x: 7 };
        static GENERIC_CALL: Vec<u32> = Vec::<u32>::with_capacity(7);
        static TURBOFISH: HashMap<u8, u8> = HashMap::<u8, u8>::from_iter([(1, 7)]);
        static COMPARED: bool = 6 < 7 && 8 > 7;
        static ASSIGNED: u32 = { let mut value = 6; value += 1; value };
        static BLOCK_OF_ITEMS: u32 = { fn inner() -> u32 { 7 } inner() };
        static RANGE: std::ops::RangeInclusive<u32> = 1..=7;
        static CAST: f64 = 7_u8 as f64;
        static REFERENCE: &'static u32 = &7;
        static LEAKED: &'static mut u32 = Box::leak(Box::new(7));
        static SUM: u32 = (0..8).filter(|value| value % 7 == 0).map(|value| { value }).sum::<u32>();
        static NEVER: u32 = panic!("never {}", "built");
        static OTHER: u32 = RETURNS.with(|value| *value);
        static DECLARES: u32 = { plugin_tls::thread_local!(static INNER: u32 = 7); INNER.with(|value| *value) };
        #[allow(clippy::unnecessary_cast)]
        static NAMED_LIKE_ITSELF: u32 = { const NAMED_LIKE_ITSELF: u8 = 7; NAMED_LIKE_ITSELF as u32 };
    }
    let numbers = [
        &RETURNS,
        &RETURNS_AT_ONCE,
        &CALLED_CLOSURE,
        &MACRO,
        &ASSIGNED,
        &BLOCK_OF_ITEMS,
        &SUM,
        &OTHER,
        &DECLARES,
        &NAMED_LIKE_ITSELF,
    ];
    assert_eq!(numbers.map(|key| key.with(|value| *value)), [7; 10]);
    assert_eq!(CLOSURE.with(|function| function(3, 4)), 7);
    assert_eq!(QUESTION.with(|value| *value), Some(7));
    assert_eq!(MACRO_BRACES.with(|values| values[0]), 7);
    assert_eq!(STRUCTURE.with(|point| point.x), 7);
    assert!(GENERIC_CALL.with(|values| values.capacity() >= 7));
    assert_eq!(TURBOFISH.with(|map| map[&1]), 7);
    assert!(COMPARED.with(|value| *value));
    assert_eq!(RANGE.with(|range| range.clone().count()), 7);
    assert_eq!(CAST.with(|value| value.to_bits()), 7.0_f64.to_bits());
    assert_eq!(REFERENCE.with(|value| **value) + LEAKED.with(|value| **value), 14);
    let _never_touched = &NEVER;
}

#[test]
fn keys_are_values() {
    use plugin_tls::LocalKey;

    plugin_tls::thread_local! {
        static A: Cell<u32> = Cell::new(1);
        static B: Cell<u32> = Cell::new(2);
    }
    const BOTH: [LocalKey<Cell<u32>>; 2] = [A, B];
    static KEYS: [&LocalKey<Cell<u32>>; 2] = [&A, &B];
    struct Uses(&'static LocalKey<Cell<u32>>);

    fn read(key: &'static LocalKey<Cell<u32>>) -> u32 {
        key.get()
    }
    B.set(3);
    assert_eq!(KEYS.map(read), [1, 3]);
    static COPIES: [LocalKey<Cell<u32>>; 2] = BOTH;
    assert_eq!((COPIES[0].get(), COPIES[1].get()), (1, 3));
    assert_eq!(Uses(&B).0.get(), 3);
    assert_eq!(std::thread::spawn(|| read(&B)).join().unwrap(), 2);
}
