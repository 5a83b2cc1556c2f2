//! An item needs a type after its colon.

tls::thread_local! {
    static LOCAL: = 1; //~ ERROR expected a type
}

tls::lazy_static! {
    static ref STATIC: = 1; //~ ERROR expected a type
}

fn main() {}
