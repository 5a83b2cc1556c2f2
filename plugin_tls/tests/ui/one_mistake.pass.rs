//! The counterpart of `one_mistake.fail.rs`.

tls::thread_local! {
    static BEFORE: u32 = 1;
    static WHOLE: u32 = 1;
    static BEHIND: u32 = 1;
}

fn main() {
    BEFORE.with(|_| WHOLE.with(|_| BEHIND.with(|_| ())));
}
