//! A mistake in one item is reported once, and the other items exist.

tls::thread_local! {
    static BEFORE: u32 = 1;
    static BROKEN u32 = 1; //~ ERROR expected `:`
    static BEHIND: u32 = 1;
}

fn main() {
    BEFORE.with(|_| BEHIND.with(|_| ()));
}
