//! Items that a store could confuse, because their names, types or modules are equal or similar.

use std::cell::Cell;

use crate::outcome::{Operation, Outcome, address};

// Two functions of one module declare the same name and type.

fn left() -> Outcome {
    plugin_tls_core::thread_local!(static SAME: Cell<u64> = const { Cell::new(0) });
    SAME.with(address)
}

fn right() -> Outcome {
    plugin_tls_core::thread_local!(static SAME: Cell<u64> = const { Cell::new(0) });
    SAME.with(address)
}

fn left_static() -> Outcome {
    plugin_tls_core::lazy_static!(static ref SAME: u64 = 1;);
    address(&*SAME)
}

fn right_static() -> Outcome {
    plugin_tls_core::lazy_static!(static ref SAME: u64 = 2;);
    address(&*SAME)
}

/// The concatenation of name and type is the same for [`A`] and [`AB`].
#[derive(Debug)]
pub struct BC(Cell<u64>);

/// See [`BC`].
#[derive(Debug)]
pub struct C(Cell<[u64; 8]>);

plugin_tls_core::thread_local! {
    pub static A: BC = BC(Cell::new(11));
    pub static AB: C = C(Cell::new([22; 8]));
}

// Two modules of one crate declare the same names and types.

mod north {
    plugin_tls_core::thread_local!(pub static PLACE: std::cell::Cell<u64> = const { std::cell::Cell::new(1) });
    plugin_tls_core::lazy_static!(pub static ref PLACE_OF_ALL: u64 = 1;);
}

mod south {
    plugin_tls_core::thread_local!(pub static PLACE: std::cell::Cell<u64> = const { std::cell::Cell::new(2) });
    plugin_tls_core::lazy_static!(pub static ref PLACE_OF_ALL: u64 = 2;);
}

// Inherent methods and methods of traits declare the same name and type.

struct Plain;
struct Other;
struct Generic<T>(T);

impl Plain {
    fn method(&self) -> Outcome {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(0) });
        WITHIN.with(address)
    }

    fn static_in_method(&self) -> Outcome {
        plugin_tls_core::lazy_static!(static ref WITHIN: u64 = 0;);
        address(&*WITHIN)
    }
}

impl Other {
    fn method(&self) -> Outcome {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(0) });
        WITHIN.with(address)
    }
}

impl Generic<u8> {
    fn method(&self) -> Outcome {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(u64::MIN) });
        let Generic(_) = self;
        WITHIN.with(address)
    }
}

impl Generic<u16> {
    fn method(&self) -> Outcome {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(u64::MIN) });
        let Generic(_) = self;
        WITHIN.with(address)
    }
}

trait Method {
    fn provided(&self) -> Outcome {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(0) });
        WITHIN.with(address)
    }

    fn required(&self) -> Outcome;

    fn static_in_required(&self) -> Outcome;
}

impl Method for Plain {
    fn required(&self) -> Outcome {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(0) });
        WITHIN.with(address)
    }

    fn static_in_required(&self) -> Outcome {
        plugin_tls_core::lazy_static!(static ref WITHIN: u64 = 0;);
        address(&*WITHIN)
    }
}

impl Method for Other {
    fn required(&self) -> Outcome {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(0) });
        WITHIN.with(address)
    }

    fn static_in_required(&self) -> Outcome {
        plugin_tls_core::lazy_static!(static ref WITHIN: u64 = 0;);
        address(&*WITHIN)
    }
}

fn in_closure() -> Outcome {
    let closure = || {
        plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(0) });
        WITHIN.with(address)
    };
    closure()
}

fn static_in_closure() -> Outcome {
    let closure = || {
        plugin_tls_core::lazy_static!(static ref WITHIN: u64 = 0;);
        address(&*WITHIN)
    };
    closure()
}

/// All instances of the function share the item, as with std.
fn generic<T>() -> Outcome {
    plugin_tls_core::thread_local!(static WITHIN: Cell<u64> = const { Cell::new(0) });
    let _ = size_of::<T>();
    WITHIN.with(address)
}

fn static_in_generic<T>() -> Outcome {
    plugin_tls_core::lazy_static!(static ref WITHIN: u64 = 0;);
    let _ = size_of::<T>();
    address(&*WITHIN)
}

/// The item of one of two blocks that declare the same name and type.
fn in_block(which: u64) -> Outcome {
    match which {
        0 => {
            plugin_tls_core::thread_local!(static SAME: Cell<u64> = const { Cell::new(0) });
            SAME.with(address)
        }
        _ => {
            plugin_tls_core::thread_local!(static SAME: Cell<u64> = const { Cell::new(1) });
            SAME.with(address)
        }
    }
}

/// The item of one of three closures that declare the same name and type.
fn in_one_of_closures(which: u64) -> Outcome {
    let closures: [fn() -> Outcome; 3] = [
        || {
            plugin_tls_core::lazy_static!(static ref SAME: u64 = 0;);
            address(&*SAME)
        },
        || {
            plugin_tls_core::lazy_static!(static ref SAME: u64 = 1;);
            address(&*SAME)
        },
        || {
            plugin_tls_core::lazy_static!(static ref SAME: u64 = 2;);
            address(&*SAME)
        },
    ];
    closures[which as usize]()
}

/// Declares an item within an anonymous constant, at one place in the source.
macro_rules! in_constant {
    ($name:ident) => {
        const $name: fn() -> Outcome = {
            fn item() -> Outcome {
                SAME.with(address)
            }
    plugin_tls_core::thread_local!(static SAME: Cell<u64> = const { Cell::new(0) });
            item
        };
    };
}

in_constant!(FIRST_CONSTANT);
in_constant!(SECOND_CONSTANT);

/// Operations that return the address of an item that others are written like.
pub const ALIKE: &[&str] = &[
    "first_block",
    "second_block",
    "first_closure",
    "second_closure",
    "third_closure",
    "first_constant",
    "second_constant",
];

/// Operations that return the address of an item. Each has another item.
pub const PLACES: &[&str] = &[
    "left",
    "right",
    "left_static",
    "right_static",
    "a",
    "ab",
    "north",
    "south",
    "north_of_all",
    "south_of_all",
    "method",
    "method_of_other",
    "method_of_generic",
    "method_of_generic_again",
    "static_in_method",
    "provided_method",
    "required_method",
    "required_method_of_other",
    "static_in_required_method",
    "static_in_required_method_of_other",
    "closure",
    "static_in_closure",
    "generic_of_u8",
    "static_in_generic_of_u8",
];

pub const OPERATIONS: &[Operation] = &[
    ("left", |_| left()),
    ("right", |_| right()),
    ("left_static", |_| left_static()),
    ("right_static", |_| right_static()),
    ("a", |_| A.with(address)),
    ("ab", |_| AB.with(address)),
    ("a_value", |_| A.with(|a| a.0.get().into())),
    ("ab_value", |_| AB.with(|ab| ab.0.get().iter().sum::<u64>().into())),
    ("north", |_| north::PLACE.with(address)),
    ("south", |_| south::PLACE.with(address)),
    ("north_of_all", |_| address(&*north::PLACE_OF_ALL)),
    ("south_of_all", |_| address(&*south::PLACE_OF_ALL)),
    ("method", |_| Plain.method()),
    ("method_of_other", |_| Other.method()),
    ("method_of_generic", |_| Generic(0_u8).method()),
    ("method_of_generic_again", |_| Generic(0_u16).method()),
    ("static_in_method", |_| Plain.static_in_method()),
    // Both types use the trait's default body, which has one item.
    ("provided_method", |n| if n == 0 { Plain.provided() } else { Other.provided() }),
    ("required_method", |_| Plain.required()),
    ("required_method_of_other", |_| Other.required()),
    ("static_in_required_method", |_| Plain.static_in_required()),
    ("static_in_required_method_of_other", |_| Other.static_in_required()),
    ("closure", |_| in_closure()),
    ("static_in_closure", |_| static_in_closure()),
    ("generic_of_u8", |_| generic::<u8>()),
    ("generic_of_u16", |_| generic::<u16>()),
    ("static_in_generic_of_u8", |_| static_in_generic::<u8>()),
    ("static_in_generic_of_u16", |_| static_in_generic::<u16>()),
    ("first_block", |_| in_block(0)),
    ("second_block", |_| in_block(1)),
    ("first_closure", |_| in_one_of_closures(0)),
    ("second_closure", |_| in_one_of_closures(1)),
    ("third_closure", |_| in_one_of_closures(2)),
    ("first_constant", |_| FIRST_CONSTANT()),
    ("second_constant", |_| SECOND_CONSTANT()),
];
