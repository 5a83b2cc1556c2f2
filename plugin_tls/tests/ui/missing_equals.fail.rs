//! An item needs `=` before its initializer.

tls::thread_local! {
    static LOCAL: u32 1; //~ ERROR expected `=`
}

tls::lazy_static! {
    static ref STATIC: u32 1; //~ ERROR expected `=`
}

fn main() {}
