//! The counterpart of `missing_equals.fail.rs`.

tls::thread_local! {
    static LOCAL: u32 = 1;
}

tls::lazy_static! {
    static ref STATIC: u32 = 1;
}

fn main() {
    LOCAL.with(|_| ());
    let _ = &*STATIC;
}
