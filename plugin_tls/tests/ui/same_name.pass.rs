//! The counterpart of `same_name.fail.rs`.

tls::thread_local! {
    static SAME: u32 = 1;
    #[cfg(test)]
    static SAME: u64 = 1;
}

fn main() {
    SAME.with(|_| ());
}
