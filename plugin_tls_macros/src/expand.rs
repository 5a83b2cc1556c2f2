//! An item as Rust code.
//!
//! The expansion refers to everything that it uses through `$crate::__private` of the crate whose macro was called. The
//! only names that it adds to the scope of the user's tokens are the item's name and two names that contain a hash of
//! the item. Names that a user declares therefore do not affect the expansion, and the expansion does not shadow them.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::build_record;
use crate::compilation::{Compilation, Product};
use crate::item::{self, Grammar, Input, Item};
use crate::print::type_text;

pub(crate) fn expand(input: TokenStream, grammar: Grammar) -> TokenStream {
    let Input { home, items, errors } = match item::parse(input, grammar) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let items = items.iter().map(|item| {
        let mut home = home.clone();
        home.set_span(home.span().located_at(item.name.span()));
        match grammar {
            Grammar::ThreadLocal => thread_local(&home, item),
            Grammar::LazyStatic => lazy_static(&home, item),
        }
    });
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let build = build(&home);
    quote! { #(#items)* #(#errors)* #build }
}

/// The record of the crate's build: once in a crate, with the items that are expanded first.
fn build(home: &TokenTree) -> Option<TokenStream> {
    static STATED: AtomicBool = AtomicBool::new(false);
    // Relaxed: nothing else depends on it.
    let record = build_record::current().filter(|_| !STATED.swap(true, Relaxed))?;
    let (fingerprint, text) = (&record.fingerprint, &record.text);
    Some(quote! {
        const _: () = {
            static BUILD: #home::__private::BuildOfCrate = #home::__private::BuildOfCrate::new(#fingerprint, #text);
            extern "C" fn state() {
                BUILD.state();
            }
            #home::__private::constructor! { state }
        };
    })
}

/// The span of the expansion's own tokens. They have the scope of the macro and the place of the item's name, so that
/// an error about the item does not point at all items of the invocation.
fn at(item: &Item) -> Span {
    Span::call_site().located_at(item.name.span())
}

/// `const NAME: LocalKey<T>`, as in std. The key is a constant so that an access can be inlined into other crates.
fn thread_local(home: &TokenTree, item: &Item) -> TokenStream {
    let Item { attributes, visibility, name, ty, .. } = item;
    let hidden = Hidden::of(item);
    let Hidden { item_static, constructor } = &hidden;
    let here = quote! { #home::__private::type_name_of_val(&#constructor) };
    let declaration = declaration(home, item, &hidden, &quote! { LocalItem }, &here);
    quote_spanned! {at(item)=>
        #(#attributes)*
        #visibility const #name: #home::LocalKey<#ty> = {
            #declaration
            #home::LocalKey::__new(&#item_static, #constructor)
        };
    }
}

/// A type with the item's name and one static of this type, as in lazy_static. Derives and other attributes apply to
/// the type.
fn lazy_static(home: &TokenTree, item: &Item) -> TokenStream {
    let Item { attributes, visibility, name, ty, .. } = item;
    let hidden = Hidden::of(item);
    let Hidden { item_static, constructor } = &hidden;
    let here = quote! { #home::__private::type_name::<#name>() };
    let declaration = declaration(home, item, &hidden, &quote! { StaticItem }, &here);
    let cfgs: Vec<_> = item::cfgs(attributes).collect();
    quote_spanned! {at(item)=>
        #[allow(missing_copy_implementations, missing_debug_implementations, non_camel_case_types, dead_code)]
        #(#attributes)*
        #visibility struct #name { __private_field: () }
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        #(#cfgs)*
        #visibility static #name: #name = #name { __private_field: () };
        #(#cfgs)*
        impl #home::__private::Deref for #name {
            type Target = #ty;
            #[inline]
            fn deref(&self) -> &#ty {
                #declaration
                #home::__private::StaticItem::get(&#item_static, #constructor)
            }
        }
        #(#cfgs)*
        impl #home::LazyStatic for #name {}
    }
}

/// The item's static, and its constructor, which describes it when the binary is loaded.
fn declaration(
    home: &TokenTree,
    item: &Item,
    Hidden { item_static, constructor }: &Hidden,
    item_type: &TokenStream,
    here: &TokenStream,
) -> TokenStream {
    let Item { ty, initializer, .. } = item;
    let text = text(home, item);
    // In parentheses, because the compiler would read `{ 1 } + 2` as a statement `{ 1 }` and an expression `+ 2`.
    quote_spanned! {at(item)=>
        static #item_static: #home::__private::#item_type<#ty> = #home::__private::#item_type::NEW;
        extern "C" fn #constructor() {
            {
                #home::__private::constructor! { #constructor }
            }
            #home::__private::describe(
                &#item_static,
                #home::__private::Probe::new(&#item_static).__plugin_tls_layout(),
                #home::__private::shape_of(&#item_static).__plugin_tls_find(),
                #text,
                #here,
                || -> #ty { (#initializer) },
            )
        }
    }
}

/// What identifies the item, and its place, as one literal: fields with ASCII's unit separator between them, and [`END`]
/// after them. `plugin_tls_abi::identity` reads this text.
fn text(home: &TokenTree, item: &Item) -> TokenStream {
    let name = item.name.unraw().to_string();
    let ty = type_text(item.ty.clone());
    let version = compatible_version(&variable("CARGO_PKG_VERSION"));
    // As a rule the crate's name says the package's.
    let package = variable("CARGO_PKG_NAME");
    let package = if package.replace('-', "_") == variable("CARGO_CRATE_NAME") { String::new() } else { package };
    let target = match Compilation::current().product() {
        // No other image has the items of a crate that is a cdylib and nothing else.
        Product::Plugin => "*".to_owned(),
        // A package's binary and its library can have the same crate name, although they are two crates.
        _ => variable("CARGO_BIN_NAME"),
    };
    let number = match number(&name, &ty) {
        0 => String::new(),
        number => number.to_string(),
    };
    let build = build_record::current().map_or("", |record| &record.fingerprint);
    let ambiguous = if build_record::std_is_ambiguous() { "!" } else { "" };
    let fields =
        ["", &version, &package, &target, &name, &ty, &number, &format!("{build}{ambiguous}"), ""].join("\x1f");
    let start = item.name.span().start();
    let column = start.column + 1;
    let end_of_site = match start.line {
        // Before 1.88 the compiler does not give a macro the line. The line of the invocation takes its place.
        0 => {
            let column = format!(":{column}{END}");
            quote! { ":", #home::__private::line!(), #column }
        }
        line => format!(":{line}:{column}{END}").into_token_stream(),
    };
    quote_spanned! {at(item)=>
        #home::__private::concat!(
            #home::__private::module_path!(), #fields, #home::__private::file!(), #end_of_site
        )
    }
}

/// How many items of this name and type the compiler has expanded before in this crate. It tells items apart that are
/// written alike, in two blocks of one function, and is the same in equal builds of the crate.
fn number(name: &str, ty: &str) -> u32 {
    static EXPANDED: Mutex<BTreeMap<(String, String), u32>> = Mutex::new(BTreeMap::new());
    let mut expanded = EXPANDED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = expanded.entry((name.to_owned(), ty.to_owned())).or_default();
    *count += 1;
    *count - 1
}

/// Ends the text, as in C, so that its length can be found.
const END: char = '\0';

/// The part of a version that is the same in all versions that Cargo considers compatible: `1` of 1.x, `0.3` of 0.3.x,
/// `0.0.7` of 0.0.7. A pre-release is compatible with itself only.
pub(crate) fn compatible_version(version: &str) -> String {
    let version = version.split('+').next().unwrap_or_default();
    if version.contains('-') {
        return version.to_owned();
    }
    let parts: Vec<_> = version.split('.').collect();
    let significant = parts.iter().position(|part| *part != "0").unwrap_or(parts.len().saturating_sub(1));
    parts[..(significant + 1).min(parts.len())].join(".")
}

/// A variable that Cargo sets for the crate being compiled. Empty if another program runs the compiler.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The only names of the expansion that the user's tokens could refer to. Because of the hash no user writes them by
/// accident.
struct Hidden {
    item_static: Ident,
    constructor: Ident,
}

impl Hidden {
    fn of(item: &Item) -> Self {
        let mut hasher = DefaultHasher::new();
        (item.name.to_string(), item.ty.to_string(), item.initializer.to_string()).hash(&mut hasher);
        let hash = hasher.finish();
        Hidden {
            item_static: format_ident!("__TLS_{hash:016X}", span = at(item)),
            constructor: format_ident!("__tls_{hash:016x}", span = at(item)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::compatible_version;

    #[test]
    fn versions_are_cut_where_cargo_ends_compatibility() {
        for (version, expected) in [
            ("1.2.3", "1"),
            ("12.0.0", "12"),
            ("0.3.1", "0.3"),
            ("0.3.2+build.7", "0.3"),
            ("0.0.7", "0.0.7"),
            ("0.0.0", "0.0.0"),
            ("1.0.0-rc.1", "1.0.0-rc.1"),
            ("", ""),
        ] {
            assert_eq!(compatible_version(version), expected, "of {version:?}");
        }
    }
}
