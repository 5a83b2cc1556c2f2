//! Two items of one scope have two names.

tls::thread_local! {
    static SAME: u32 = 1;
    static SAME: u64 = 1; //~ ERROR defined multiple times
}

fn main() {}
