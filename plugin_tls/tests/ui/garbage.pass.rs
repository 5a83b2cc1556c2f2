//! The counterpart of `garbage.fail.rs`.

tls::thread_local! {
    static FIRST: u32 = 1;
}

tls::lazy_static! {
    static ref SECOND: u32 = 1;
}

tls::thread_local!(static THIRD: u32 = 1 + 2);

fn main() {
    FIRST.with(|_| THIRD.with(|_| ()));
    let _ = *SECOND;
}
