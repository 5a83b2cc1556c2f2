//! Only keys of cells have `set`.

tls::thread_local! {
    static PLAIN: u32 = 1;
    static NOT_COPY: std::cell::Cell<String> = const { std::cell::Cell::new(String::new()) };
}

fn main() {
    PLAIN.set(2); //~ ERROR no method named `set`
    NOT_COPY.get(); //~ ERROR the trait bound `String: Copy` is not satisfied
}
