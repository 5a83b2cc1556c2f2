//! `thread_local!` items are `static`, not `static ref`.

tls::thread_local! {
    static ref NUMBER: u32 = 1; //~ ERROR expected identifier
}

fn main() {}
