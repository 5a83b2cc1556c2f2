//! The counterpart of `unnamed.fail.rs`.

tls::thread_local! {
    static __: u32 = 1;
}

tls::lazy_static! {
    static ref _A: u32 = 1;
}

fn main() {
    __.with(|_| ());
    let _ = &*_A;
}
