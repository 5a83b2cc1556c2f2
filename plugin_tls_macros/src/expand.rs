//! An item as Rust code.
//!
//! Everything that the expansion relies on is reached through the facade's `$crate::__private`, and it brings no name
//! into the scope of the user's tokens except the item's own and one that is a hash of the item: nothing that a user
//! declares can get in its way, and it can shadow nothing of the user's.

use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::item::{self, Grammar, Input, Item};
use crate::print::type_text;

pub(crate) fn expand(input: TokenStream, grammar: Grammar) -> TokenStream {
    let Input { facade, items, errors } = match item::parse(input, grammar) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let items = items.iter().map(|item| {
        let mut facade = facade.clone();
        facade.set_span(facade.span().located_at(item.name.span()));
        match grammar {
            Grammar::ThreadLocal => thread_local(&facade, item),
            Grammar::LazyStatic => lazy_static(&facade, item),
        }
    });
    let errors = errors.iter().map(syn::Error::to_compile_error);
    quote! { #(#items)* #(#errors)* }
}

/// Where the compiler is to see the expansion's own tokens: with the scope of the macro, at the item's name, so that an
/// error about the item does not point at all that was declared with it.
fn at(item: &Item) -> Span {
    Span::call_site().located_at(item.name.span())
}

/// `const NAME: LocalKey<T>`, as std's macro has it: a constant key lets a whole access inline across crates. The item's
/// static lives inside of the function that the key holds.
fn thread_local(facade: &TokenTree, item: &Item) -> TokenStream {
    let Item { attributes, visibility, name, ty, .. } = item;
    let item_static = static_name(item);
    // Inside of the static's own initializer, so that the closure's type name carries the enclosing function.
    let here = quote! { #facade::__private::here_in_static(&|| ()) };
    let declaration = declaration(facade, item, &quote! { LocalItem }, &item_static, &here);
    quote_spanned! {at(item)=>
        #(#attributes)*
        #visibility const #name: #facade::LocalKey<#ty> = #facade::LocalKey::<#ty>::__new(|| {
            #declaration
            &#item_static
        });
    }
}

/// As in lazy_static: a type of the item's name, which derives and other attributes apply to, and one static of it.
fn lazy_static(facade: &TokenTree, item: &Item) -> TokenStream {
    let Item { attributes, visibility, name, ty, .. } = item;
    let item_static = static_name(item);
    let here = quote! { #facade::__private::here_at_type::<#name>() };
    let declaration = declaration(facade, item, &quote! { StaticItem }, &item_static, &here);
    let cfgs: Vec<_> = item::cfgs(attributes).collect();
    // A constant of the user's by the parameter's name would make it a pattern.
    let this = format_ident!("__plugin_tls_lazy");
    quote_spanned! {at(item)=>
        #[allow(missing_copy_implementations, missing_debug_implementations, non_camel_case_types, dead_code)]
        #(#attributes)*
        #visibility struct #name { __private_field: () }
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        #(#cfgs)*
        #visibility static #name: #name = #name { __private_field: () };
        #(#cfgs)*
        impl #facade::__private::Deref for #name {
            type Target = #ty;
            #[inline]
            fn deref(&self) -> &#ty {
                #declaration
                #facade::__private::StaticItem::get(&#item_static)
            }
        }
        #(#cfgs)*
        impl #facade::LazyStatic for #name {
            fn initialize(#this: &Self) {
                let _ = &**#this;
            }
        }
    }
}

/// The item's static, and its registration with the binary.
fn declaration(
    facade: &TokenTree,
    item: &Item,
    item_type: &TokenStream,
    item_static: &Ident,
    here: &TokenStream,
) -> TokenStream {
    let Item { ty, initializer, .. } = item;
    let text = text(facade, item);
    let probe = quote! { #facade::__private::Probe::<#ty>::new().__plugin_tls_describe(#here) };
    // In parentheses: `{ 1 } + 2` would be a statement and the rest of one.
    quote_spanned! {at(item)=>
        static #item_static: #facade::__private::#item_type<#ty> =
            #facade::__private::#item_type::new(#text, || -> #ty { (#initializer) }, || #probe);
        #facade::__private::submit! {
            #facade::__private::Registration::new(#facade::__private::#item_type::raw(&#item_static))
        }
    }
}

/// What identifies the item and where it stands, in one literal between NUL bytes: one relocation instead of seven.
/// `key.rs` of the facade is its reader.
fn text(facade: &TokenTree, item: &Item) -> TokenStream {
    let name = item.name.unraw().to_string();
    let ty = type_text(item.ty.clone());
    let version = compatible_version(&variable("CARGO_PKG_VERSION"));
    // A package's binary and its library may have the same crate name, and yet are two crates.
    let target = variable("CARGO_BIN_NAME");
    let fields = format!("\0{version}\0{target}\0{name}\0{ty}\0");
    let start = item.name.span().start();
    let line = match start.line {
        // Before 1.88 the compiler does not tell; the invocation's line is the next best.
        0 => quote! { #facade::__private::line!() },
        line => quote! { #line },
    };
    let column = start.column + 1;
    quote_spanned! {at(item)=>
        #facade::__private::concat!(
            #facade::__private::module_path!(), #fields, #facade::__private::file!(), ":", #line, ":", #column
        )
    }
}

/// The part of a version that Cargo holds to be compatible: `1` of 1.x, `0.3` of 0.3.x, `0.0.7` of 0.0.7. A pre-release
/// is compatible with nothing but itself.
fn compatible_version(version: &str) -> String {
    let version = version.split('+').next().unwrap_or_default();
    if version.contains('-') {
        return version.to_owned();
    }
    let parts: Vec<_> = version.split('.').collect();
    let significant = parts.iter().position(|part| *part != "0").unwrap_or(parts.len().saturating_sub(1));
    parts[..(significant + 1).min(parts.len())].join(".")
}

/// A variable that Cargo sets for the crate being compiled; empty where something else runs the compiler.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The only name that user tokens could see. The hash makes it one that nobody writes by accident.
fn static_name(item: &Item) -> Ident {
    let mut hasher = DefaultHasher::new();
    (item.name.to_string(), item.ty.to_string(), item.initializer.to_string()).hash(&mut hasher);
    format_ident!("__PLUGIN_TLS_ITEM_{:016X}", hasher.finish(), span = at(item))
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
