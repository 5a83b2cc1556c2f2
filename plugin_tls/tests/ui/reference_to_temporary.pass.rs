//! The counterpart of `reference_to_temporary.fail.rs`.

tls::thread_local! {
    static LOCAL: &'static str = String::from("text").leak();
}

tls::lazy_static! {
    static ref STATIC: &'static str = String::from("text").leak();
}

fn main() {
    LOCAL.with(|_| ());
    let _ = &*STATIC;
}
