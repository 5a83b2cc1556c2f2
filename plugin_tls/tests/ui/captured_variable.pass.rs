//! The counterpart of `captured_variable.fail.rs`.

fn main() {
    const LOCAL_CONSTANT: u32 = 1;
    tls::thread_local!(static LOCAL: u32 = LOCAL_CONSTANT);
    tls::lazy_static! {
        static ref STATIC: u32 = LOCAL_CONSTANT;
    }
    LOCAL.with(|_| ());
    let _ = *STATIC;
}
