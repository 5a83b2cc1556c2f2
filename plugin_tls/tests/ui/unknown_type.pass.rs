//! The counterpart of `unknown_type.fail.rs`.

type Missing = u8;

tls::thread_local! {
    static LOCAL:
        Missing
        = 1;
}

tls::lazy_static! {
    static ref STATIC:
        Missing
        = 1;
}

fn main() {
    LOCAL.with(|_| ());
    let _ = &*STATIC;
}
