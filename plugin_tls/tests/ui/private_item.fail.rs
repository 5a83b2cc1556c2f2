//! An item without `pub` is private to its module.

mod inner {
    tls::thread_local!(static LOCAL: u32 = 1);
    tls::lazy_static!(static ref STATIC: u32 = 1;);

    pub(crate) fn sum() -> u32 {
        LOCAL.with(|value| *value) + *STATIC
    }
}

fn main() {
    inner::LOCAL.with(|_| ()); //~ ERROR is private
    let _ = *inner::STATIC; //~ ERROR is private
    inner::sum();
}
