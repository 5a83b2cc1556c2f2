//! The counterpart of `static_mut.fail.rs`.

tls::thread_local! {
    static LOCAL: std::cell::Cell<u32> = std::cell::Cell::new(1);
}

tls::lazy_static! {
    static ref STATIC: std::sync::Mutex<u32> = std::sync::Mutex::new(1);
}

fn main() {
    LOCAL.set(2);
    *STATIC.lock().unwrap() = 2;
}
