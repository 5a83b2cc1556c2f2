//! The counterpart of `short_lifetime.fail.rs`.

fn generic<'a>(text: &'a str) -> &'a str {
    tls::thread_local!(static LOCAL: Option<&'static str> = None);
    LOCAL.with(|_| ());
    text
}

fn main() {
    generic("text");
}
