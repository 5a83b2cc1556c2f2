//! `#[macro_use] extern crate`, and calls of the macros by their bare names.

#[macro_use]
extern crate plugin_tls;

use std::cell::Cell;

// This shadows std's macro.
thread_local! {
    static LOCAL: Cell<u32> = const { Cell::new(1) };
}

lazy_static! {
    static ref STATIC: u32 = 2;
}

mod inner {
    thread_local!(pub(crate) static LOCAL: u32 = 3);
    lazy_static! {
        pub(crate) static ref STATIC: u32 = 4;
    }
}

#[test]
fn bare_names_are_this_crates() {
    let _key: &plugin_tls::LocalKey<Cell<u32>> = &LOCAL;
    assert_eq!((LOCAL.get(), *STATIC), (1, 2));
    assert_eq!((inner::LOCAL.with(|value| *value), *inner::STATIC), (3, 4));
}
