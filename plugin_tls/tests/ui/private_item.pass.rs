//! The counterpart of `private_item.fail.rs`.

mod inner {
    tls::thread_local!(pub(super) static LOCAL: u32 = 1);
    tls::lazy_static!(pub(super) static ref STATIC: u32 = 1;);

    pub(crate) fn sum() -> u32 {
        LOCAL.with(|value| *value) + *STATIC
    }
}

fn main() {
    inner::LOCAL.with(|_| ());
    let _ = *inner::STATIC;
    inner::sum();
}
