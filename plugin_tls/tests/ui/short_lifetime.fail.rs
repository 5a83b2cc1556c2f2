//! Values own what they hold, or borrow it for ever.

fn generic<'a>(_: &'a str) {
    tls::thread_local!(static LOCAL: Option<&'a str> = None); //~ ERROR lifetime
}

fn main() {
    generic("text");
}
