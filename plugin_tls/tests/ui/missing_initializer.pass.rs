//! The counterpart of `missing_initializer.fail.rs`.

tls::thread_local! {
    static EMPTY: () = ();
    static NONE: () = const {};
}

tls::lazy_static! {
    static ref EMPTY_STATIC: () = ();
    static ref NO_STATIC: () = {};
}

fn main() {
    EMPTY.with(|()| NONE.with(|()| ()));
    let ((), ()) = (*EMPTY_STATIC, *NO_STATIC);
}
