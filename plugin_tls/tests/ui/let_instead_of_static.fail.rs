//! Items are not local variables.

tls::thread_local! {
    let LOCAL: u32 = 1; //~ ERROR expected `static`
}

tls::lazy_static! {
    pub let STATIC: u32 = 1; //~ ERROR expected `static`
}

fn main() {}
