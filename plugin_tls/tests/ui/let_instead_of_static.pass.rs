//! The counterpart of `let_instead_of_static.fail.rs`.

tls::thread_local! {
    static LOCAL: u32 = 1;
}

tls::lazy_static! {
    pub static ref STATIC: u32 = 1;
}

fn main() {
    LOCAL.with(|_| ());
    let _ = &*STATIC;
}
