//! The counterpart of `thread_local_with_ref.fail.rs`.

tls::thread_local! {
    static NUMBER: u32 = 1;
}

fn main() {
    NUMBER.with(|_| ());
}
