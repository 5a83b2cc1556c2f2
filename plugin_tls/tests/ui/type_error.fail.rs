//! An initializer of another type is an error at the initializer.

tls::thread_local! {
    static LOCAL: u32 =
        "text"; //~ ERROR mismatched types
}

tls::lazy_static! {
    static ref STATIC: u32 =
        "text"; //~ ERROR mismatched types
}

fn main() {}
