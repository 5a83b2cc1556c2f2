//! The counterpart of `empty_type.fail.rs`.

tls::thread_local! {
    static LOCAL: u8 = 1;
}

tls::lazy_static! {
    static ref STATIC: u8 = 1;
}

fn main() {
    LOCAL.with(|_| ());
    let _ = &*STATIC;
}
