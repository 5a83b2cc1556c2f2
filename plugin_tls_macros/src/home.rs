//! The name under which the user's crate knows this project.
//!
//! A derive and an attribute are not called through `macro_rules!`, so they get no `$crate`. They look for the dependency
//! among the compiler's `--extern` arguments: by the file, because the user may have renamed the dependency.

#![forbid(unsafe_code)]

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, Token};

use crate::compilation::{Compilation, Extern};

/// The crates whose hidden module has what expansions need, the one to be preferred first.
const CRATES: &[&str] = &["plugin_tls_core", "plugin_tls_abi_stable", "plugin_tls"];

/// `crate = path`, which names the crate where nothing else does.
struct Override(syn::Path);

impl Parse for Override {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        let path = input.call(syn::Path::parse_mod_style)?;
        input.parse::<Option<Token![,]>>()?;
        if input.is_empty() { Ok(Override(path)) } else { Err(input.error("expected nothing more")) }
    }
}

/// The path in the `#[shape(crate = path)]` among `attributes`, or the dependency's name.
pub(crate) fn of_derive(attributes: &[Attribute]) -> syn::Result<TokenStream> {
    match attributes.iter().find(|attribute| attribute.path().is_ident("shape")) {
        Some(attribute) => attribute.parse_args().map(|Override(path)| quote! { #path }),
        None => Ok(dependency()),
    }
}

/// The path in the arguments of `#[shape]`, or the dependency's name.
pub(crate) fn of_attribute(arguments: TokenStream) -> syn::Result<TokenStream> {
    if arguments.is_empty() {
        return Ok(dependency());
    }
    syn::parse2(arguments).map(|Override(path)| quote! { #path })
}

fn dependency() -> TokenStream {
    let name = name_among(&Compilation::current().externs).unwrap_or(CRATES[0]);
    let name = syn::parse_str(name).unwrap_or_else(|_| Ident::new(CRATES[0], Span::call_site()));
    quote! { ::#name }
}

/// The name of the best of [`CRATES`] among the dependencies.
fn name_among(externs: &[Extern]) -> Option<&str> {
    let rank = |each: &Extern| CRATES.iter().position(|known| each.crate_name() == Some(known));
    let ranked = externs.iter().filter_map(|each| Some((rank(each)?, each.name.as_str())));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(arguments: &str) -> Option<String> {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        name_among(&Compilation::of(&arguments).externs).map(str::to_owned)
    }

    #[test]
    fn the_dependency_is_found_by_its_file() {
        for (arguments, expected) in [
            ("--crate-name a --extern plugin_tls_core=/d/libplugin_tls_core-12ab.rmeta", Some("plugin_tls_core")),
            ("--extern=tls=/d/libplugin_tls-12ab.rlib", Some("tls")),
            ("--extern priv,noprelude:tls=/d/libplugin_tls_abi_stable.rlib", Some("tls")),
            ("--extern a=/d/libplugin_tls-1.rlib --extern b=/d/libplugin_tls_core-1.rlib", Some("b")),
            ("--extern b=/d/libplugin_tls_core-1.rlib --extern a=/d/libplugin_tls-1.rlib", Some("b")),
            ("--extern plugin_tls_core --extern x=/d/libplugin_tls_macros-1.so", None),
            ("--extern plugin_tls_core=/d/libother-1.rlib -L /d/libplugin_tls_core-1", None),
        ] {
            assert_eq!(name(arguments).as_deref(), expected, "{arguments}");
        }
    }

    #[test]
    fn a_path_can_be_given() {
        let home = |tokens: &str| of_attribute(tokens.parse().expect("a test's own tokens"));
        assert_eq!(home("crate = api::tls").expect("it is a path").to_string(), "api :: tls");
        assert_eq!(home("").expect("nothing is given").to_string(), ":: plugin_tls_core");
        for wrong in ["crate", "krate = a", "crate = a b"] {
            assert!(home(wrong).is_err(), "{wrong}");
        }
    }
}
