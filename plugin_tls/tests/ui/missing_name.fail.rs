//! An item needs a name.

tls::thread_local! {
    static : u32 = 1; //~ ERROR expected identifier
}

tls::lazy_static! {
    static ref : u32 = 1; //~ ERROR expected identifier
}

fn main() {}
