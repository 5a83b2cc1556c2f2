//! If the input ends within an item, the error is at the last token.

tls::thread_local! {
    static FIRST: u32 = 1;
    static SECOND: u32 = //~ ERROR expected an initializer after this
}

tls::thread_local! {
    static THIRD: //~ ERROR expected a type after this
}

tls::lazy_static! {
    static ref FOURTH: u32 = //~ ERROR expected an initializer after this
}

fn main() {
    FIRST.with(|_| ());
}
