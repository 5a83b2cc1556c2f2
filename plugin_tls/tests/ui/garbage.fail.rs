//! The input of the macros consists of items only.

tls::thread_local! {
    static FIRST: u32 = 1;
    garbage //~ ERROR expected `static`
}

tls::lazy_static! {
    static ref SECOND: u32 = 1;
    ; //~ ERROR expected `static`
}

tls::thread_local!(static THIRD: u32 = 1 2); //~ ERROR expected

fn main() {}
