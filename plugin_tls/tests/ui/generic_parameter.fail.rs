//! An item in a generic function is one item, so its type cannot name the function's parameters.

fn generic<T: Default>(_: T) {
    tls::thread_local!(static LOCAL: Option<T> = None); //~ ERROR outer item
    tls::lazy_static! {
        static ref STATIC: Option<u8> = { let _ = T::default(); None }; //~ ERROR outer item
    }
}

fn main() {
    generic(1);
}
