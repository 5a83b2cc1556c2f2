//! The counterpart of `ends_too_early.fail.rs`.

tls::thread_local! {
    static FIRST: u32 = 1;
    static SECOND: u32 =
        2
}

tls::thread_local! {
    static THIRD:
        u32 = 3
}

tls::lazy_static! {
    static ref FOURTH: u32 =
        4;
}

fn main() {
    FIRST.with(|_| SECOND.with(|_| THIRD.with(|_| ())));
    let _ = *FOURTH;
}
