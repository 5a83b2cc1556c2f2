//! A reference to a thread-local value ends with the call; a reference to a static's value is `'static`.

tls::thread_local!(static TEXT: String = String::new());

fn main() {
    let text: &'static String = TEXT.with(|text| text); //~ ERROR lifetime may not live long enough
    drop(text.clone());
}
