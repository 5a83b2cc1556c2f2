//! An initializer cannot return a reference to a value that it drops.

tls::thread_local! {
    static LOCAL: &'static str = String::from("text").as_str(); //~ ERROR temporary value
}

tls::lazy_static! {
    static ref STATIC: &'static str = String::from("text").as_str(); //~ ERROR temporary value
}

fn main() {}
