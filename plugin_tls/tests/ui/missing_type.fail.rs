//! An item needs a type.

tls::thread_local! {
    static LOCAL = 1; //~ ERROR expected `:`
}

tls::lazy_static! {
    static ref STATIC = 1; //~ ERROR expected `:`
}

fn main() {}
