//! The counterpart of `reference_that_escapes.fail.rs`.

tls::lazy_static!(static ref TEXT: String = String::new(););

fn main() {
    let text: &'static String = &TEXT;
    drop(text.clone());
}
