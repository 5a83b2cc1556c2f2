//! The procedural macros behind `plugin_tls`. Use them through that crate, or through `plugin_tls_core`.
//!
//! A `macro_rules!` wrapper calls each macro and passes its `$crate` as the first token. With it the expansion can
//! refer to the wrapper's crate, whatever name the dependency has.
//!
//! | module | subject |
//! |---|---|
//! | `print` | a type's tokens as the text that identifies it |
//! | `item` | the grammar: from tokens to items, each with its attributes, visibility, name, type, initializer |
//! | `expand` | an item as Rust code |
//! | `compilation` | what the compiler was told about the crate that it compiles |
//! | `build_record` | what is known of the crate's build, and its fingerprint |
//! | `sources`, `source_text`, `crate_hash` | parts of that: the crate's sources, and the hashes of other crates |
//! | `export` | `export_plugin!`, whose expansion depends on the compilation |

#![forbid(unsafe_code)]

mod build_record;
mod compilation;
mod crate_hash;
mod expand;
mod export;
mod item;
mod print;
mod source_text;
mod sources;

use proc_macro::TokenStream;

/// The items of one `thread_local!`.
#[doc(hidden)]
#[proc_macro]
pub fn thread_local_items(input: TokenStream) -> TokenStream {
    expand::expand(input.into(), item::Grammar::ThreadLocal).into()
}

/// The items of one `lazy_static!`.
#[doc(hidden)]
#[proc_macro]
pub fn lazy_static_items(input: TokenStream) -> TokenStream {
    expand::expand(input.into(), item::Grammar::LazyStatic).into()
}

/// What `export_plugin!` adds to a plugin's crate.
#[doc(hidden)]
#[proc_macro]
pub fn export_plugin_items(input: TokenStream) -> TokenStream {
    export::expand(input.into(), compilation::Compilation::current()).into()
}
