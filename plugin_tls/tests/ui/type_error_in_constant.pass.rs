//! The counterpart of `type_error_in_constant.fail.rs`.

tls::thread_local! {
    static CONSTANT: &'static str = const {
        "text"
    };
    static BLOCK: usize = {
        let text: &str = "1";
        text.len()
    };
}

fn main() {
    CONSTANT.with(|_| BLOCK.with(|_| ()));
}
