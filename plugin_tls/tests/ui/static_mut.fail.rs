//! Items are not mutable.

tls::thread_local! {
    static mut LOCAL: u32 = 1; //~ ERROR expected identifier
}

tls::lazy_static! {
    static ref mut STATIC: u32 = 1; //~ ERROR expected identifier
}

fn main() {}
