//! The counterpart of `generic_parameter.fail.rs`.

fn generic<T: Default>(_: T) -> T {
    tls::thread_local!(static LOCAL: Option<u8> = None);
    tls::lazy_static! {
        static ref STATIC: Option<u8> = { let _ = u8::default(); None };
    }
    LOCAL.with(|_| ());
    let _ = *STATIC;
    T::default()
}

fn main() {
    generic(1);
}
