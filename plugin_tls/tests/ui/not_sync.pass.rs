//! The counterpart of `not_sync.fail.rs`.

tls::thread_local! {
    static NUMBER: std::cell::Cell<u32> = std::cell::Cell::new(1);
    static SHARED: std::rc::Rc<u32> = std::rc::Rc::new(1);
}

tls::lazy_static! {
    static ref STATIC: std::sync::Arc<u32> = std::sync::Arc::new(1);
}

fn main() {
    NUMBER.set(2);
    SHARED.with(|_| ());
    let _ = **STATIC;
}
