//! Items are separated by semicolons.

tls::thread_local! {
    static FIRST: u32 = 1
    pub(crate) static SECOND: u32 = 2; //~ ERROR `pub`
}

fn main() {}
