//! The counterpart of `lazy_static_without_ref.fail.rs`.

tls::lazy_static! {
    static ref NUMBER: u32 = 1;
}

fn main() {
    let _ = *NUMBER;
}
