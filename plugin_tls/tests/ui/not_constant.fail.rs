//! What stands in `const` is computed by the compiler.

tls::thread_local! {
    static TEXT: String = const { String::from("text") }; //~ ERROR constants
}

fn main() {}
