//! An initializer of another type is an error at the initializer, in a constant and in a statement of a block, too.

tls::thread_local! {
    static CONSTANT: u32 = const {
        "text" //~ ERROR mismatched types
    };
    static BLOCK: u32 = {
        let text: &str = 1; //~ ERROR mismatched types
        text.len()  //~ ERROR mismatched types
    };
}

fn main() {}
