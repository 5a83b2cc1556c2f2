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
//! | `home` | the name under which the user's crate knows this project |
//! | `shape` | `#[derive(Shape)]` and `#[shape]` |
//! | `export` | `export_plugin!`, whose expansion depends on the compilation |

#![forbid(unsafe_code)]

mod build_record;
mod compilation;
mod crate_hash;
mod expand;
mod export;
mod home;
mod item;
mod print;
mod shape;
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

/// Describes a struct, an enum or a union, so that two binaries can compare it: see the trait `Shape`.
///
/// The description has the fields with their types, and those of a struct or union also with their offsets. A field whose
/// type has no shape counts as a type that only its name and its `TypeId` describe. Type parameters get the bound `Shape`. A
/// type with lifetime parameters is described with `'static` in their place.
///
/// A type must not contain itself with larger arguments, as `struct P<T>(Option<Box<P<(T, T)>>>)` does. A struct whose last
/// field may be unsized has a shape where that field is a type parameter, and the parameter is sized.
///
/// The derive names the crate `plugin_tls_core`, `plugin_tls_abi_stable` or `plugin_tls`, whichever is a dependency, under
/// the name that it has there. If it is none, because another crate re-exports it, `#[shape(crate = path)]` names it.
#[proc_macro_derive(Shape, attributes(shape))]
pub fn derive_shape(input: TokenStream) -> TokenStream {
    shape::expand_derive(input.into()).into()
}

/// Describes the objects of a trait, so that two binaries can compare them: see the trait `Shape`.
///
/// `Shape` is then implemented for `dyn Trait`, `dyn Trait + Send`, `dyn Trait + Sync` and `dyn Trait + Send + Sync`. The
/// description has the supertraits, and the methods in their order, with the types of their arguments and results. Each `cfg`
/// within the trait counts. Type parameters and associated types get the bound `Shape`. A supertrait's associated types must
/// be given, as in `trait Numbers: Iterator<Item = u32>`.
///
/// `#[shape(crate = path)]` is as for the derive.
#[proc_macro_attribute]
pub fn shape(arguments: TokenStream, item: TokenStream) -> TokenStream {
    shape::expand_trait(arguments.into(), item.into()).into()
}

/// What `export_plugin!` adds to a plugin's crate.
#[doc(hidden)]
#[proc_macro]
pub fn export_plugin_items(input: TokenStream) -> TokenStream {
    export::expand(input.into(), compilation::Compilation::current()).into()
}
