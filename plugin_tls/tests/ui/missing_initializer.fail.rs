//! An item needs an initializer.

tls::thread_local! {
    static EMPTY: u32 = ; //~ ERROR expected an initializer
    static NONE: u32; //~ ERROR expected `=`
}

tls::lazy_static! {
    static ref EMPTY_STATIC: u32 = ; //~ ERROR expected an initializer
    static ref NO_STATIC: u32; //~ ERROR expected `=`
}

fn main() {}
