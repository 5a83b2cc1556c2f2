//! The macros work in edition 2015, where paths start at the crate's root.
//@ editions: 2015

#[macro_use]
extern crate tls;

mod inner {
    use std::cell::Cell;

    thread_local!(pub static LOCAL: Cell<u32> = Cell::new(1));
    lazy_static!(pub static ref STATIC: u32 = 2;);
}

fn main() {
    inner::LOCAL.set(*inner::STATIC);
}
