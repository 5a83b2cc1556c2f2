//! The counterpart of `setter_without_cell.fail.rs`.

tls::thread_local! {
    static PLAIN: std::cell::Cell<u32> = const { std::cell::Cell::new(1) };
    static NOT_COPY: std::cell::Cell<String> = const { std::cell::Cell::new(String::new()) };
}

fn main() {
    PLAIN.set(2);
    NOT_COPY.take();
}
