//! A value cannot hold a reference that is not `'static`.

fn generic<'a>(_: &'a str) {
    tls::thread_local!(static LOCAL: Option<&'a str> = None); //~ ERROR lifetime
}

fn main() {
    generic("text");
}
