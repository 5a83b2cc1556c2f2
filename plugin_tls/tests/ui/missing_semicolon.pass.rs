//! The counterpart of `missing_semicolon.fail.rs`.

tls::thread_local! {
    static FIRST: u32 = 1;
    pub(crate) static SECOND: u32 = 2;
}

fn main() {
    FIRST.with(|_| SECOND.with(|_| ()));
}
