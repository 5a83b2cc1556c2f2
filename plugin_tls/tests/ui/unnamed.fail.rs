//! An item needs a name, and `_` is not a name.

tls::thread_local! {
    static _: u32 = 1; //~ ERROR expected identifier
}

tls::lazy_static! {
    static ref _: u32 = 1; //~ ERROR expected identifier
}

fn main() {}
