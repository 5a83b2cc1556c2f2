//! A thread-local's value is lent for a call only; a static's for ever.

tls::thread_local!(static TEXT: String = String::new());

fn main() {
    let text: &'static String = TEXT.with(|text| text); //~ ERROR lifetime may not live long enough
    drop(text.clone());
}
