//! The procedural macros behind `plugin_tls`; use them through that crate.
//!
//! Each macro is called by a `macro_rules!` wrapper of the facade, which passes its own `$crate` as the first token:
//! that is how the expansion finds the facade under whatever name a user gave to the dependency.
//!
//! | module | subject |
//! |---|---|
//! | `item` | the grammar: from tokens to items, each with its attributes, visibility, name, type, initializer |
//! | `print` | a type's tokens as the text that identifies it |
//! | `expand` | an item as Rust code |

#![forbid(unsafe_code)]

mod expand;
mod item;
mod print;

use proc_macro::TokenStream;

/// The items of one `plugin_tls::thread_local!`.
#[doc(hidden)]
#[proc_macro]
pub fn thread_local_items(input: TokenStream) -> TokenStream {
    expand::expand(input.into(), item::Grammar::ThreadLocal).into()
}

/// The items of one `plugin_tls::lazy_static!`.
#[doc(hidden)]
#[proc_macro]
pub fn lazy_static_items(input: TokenStream) -> TokenStream {
    expand::expand(input.into(), item::Grammar::LazyStatic).into()
}
