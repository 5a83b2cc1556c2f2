//! A type that does not exist is an error at the type.

tls::thread_local! {
    static LOCAL:
        Missing //~ ERROR cannot find type `Missing`
        = 1;
}

tls::lazy_static! {
    static ref STATIC:
        Missing //~ ERROR cannot find type `Missing`
        = 1;
}

fn main() {}
