//! The counterpart of `not_constant.fail.rs`.

tls::thread_local! {
    static TEXT: String = const { String::new() };
}

fn main() {
    TEXT.with(|_| ());
}
