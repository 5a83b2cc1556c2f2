//! `lazy_static!` items are `static ref`.

tls::lazy_static! {
    static NUMBER: u32 = 1; //~ ERROR expected `ref`
}

fn main() {}
