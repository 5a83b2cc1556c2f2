//! The counterpart of `type_error.fail.rs`.

tls::thread_local! {
    static LOCAL: &'static str =
        "text";
}

tls::lazy_static! {
    static ref STATIC: &'static str =
        "text";
}

fn main() {
    LOCAL.with(|_| ());
    let _ = &*STATIC;
}
