//! Two items of one scope cannot have the same name.

tls::thread_local! {
    static SAME: u32 = 1;
    static SAME: u64 = 1; //~ ERROR defined multiple times
}

fn main() {}
