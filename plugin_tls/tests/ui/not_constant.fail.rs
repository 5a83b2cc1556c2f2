//! The compiler must be able to compute the content of `const { .. }`.

tls::thread_local! {
    static TEXT: String = const { String::from("text") }; //~ ERROR constants
}

fn main() {}
