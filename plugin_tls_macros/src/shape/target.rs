//! What the implementations for types and for trait objects have in common.

#![forbid(unsafe_code)]

use crate::build_record;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::visit_mut::VisitMut;
use syn::{Attribute, GenericParam, Generics, Type, WherePredicate};

use super::lifetimes::ToStatic;
use crate::expand::{compatible_version, variable};

/// The parts of an implementation, with `'static` in the place of the declared lifetimes.
pub(super) struct Target {
    /// What stands after `impl`, without angle brackets.
    pub(super) params: Vec<TokenStream>,
    /// The arguments of the type or trait that is described.
    pub(super) arguments: Vec<TokenStream>,
    pub(super) predicates: Vec<TokenStream>,
    /// Statements that describe the arguments: first facts, then children.
    pub(super) described: TokenStream,
}

/// The name of the argument of the implementation's function. No user has such a constant.
pub(super) fn describer() -> Ident {
    Ident::new("__plugin_tls_describer", Span::call_site())
}

/// `Describer::name(describer, arguments)`.
pub(super) fn call(home: &TokenStream, name: &str, arguments: impl ToTokens) -> TokenStream {
    let (name, describer) = (Ident::new(name, Span::call_site()), describer());
    quote! { #home::__private::Describer::#name(#describer, #arguments) }
}

/// What there is for the shape of `ty`.
pub(super) fn found(home: &TokenStream, ty: impl ToTokens) -> TokenStream {
    quote! { #home::__private::ShapeProbe::<#ty>::NEW.__plugin_tls_find() }
}

/// The module's path, the name, the compatible version and the build of the crate, as one literal.
pub(super) fn text(home: &TokenStream, name: &Ident) -> TokenStream {
    let (name, version) = (name.unraw(), compatible_version(&variable("CARGO_PKG_VERSION")));
    let fields = format!("\0{name}\0{version}\0{}", crate_build());
    quote! { #home::__private::concat!(#home::__private::module_path!(), #fields) }
}

/// What identifies the build of the crate that is being compiled. Empty if it is not known.
fn crate_build() -> &'static str {
    build_record::current().map_or("", |record| &record.fingerprint)
}

impl Target {
    /// `is_sized` tells which type parameters have to be sized, even if the definition says `?Sized`.
    pub(super) fn new(home: &TokenStream, generics: &Generics, is_sized: impl Fn(&Ident) -> bool) -> Self {
        let mut generics = generics.clone();
        let mut to_static = ToStatic::declared_by([&generics]);
        let mut target =
            Target { params: Vec::new(), arguments: Vec::new(), predicates: Vec::new(), described: TokenStream::new() };
        let mut children = TokenStream::new();
        for param in &mut generics.params {
            match param {
                GenericParam::Lifetime(_) => target.arguments.push(quote! { 'static }),
                GenericParam::Type(param) => {
                    param.bounds.iter_mut().for_each(|bound| to_static.visit_type_param_bound_mut(bound));
                    let (name, attributes) = (&param.ident, &param.attrs);
                    let sized = is_sized(name);
                    let bounds = param.bounds.iter().filter(|bound| !(sized && is_maybe(bound)));
                    target.params.push(quote! { #(#attributes)* #name: #(#bounds +)* #home::Shape });
                    target.arguments.push(name.to_token_stream());
                    let found = found(home, name);
                    let label = format!("<{}>", name.unraw());
                    let part = call(home, "part", quote! { #label, #found });
                    children.extend(quote! { #part; });
                }
                GenericParam::Const(param) => {
                    let (name, ty, attributes) = (&param.ident, &param.ty, &param.attrs);
                    target.params.push(quote! { #(#attributes)* const #name: #ty });
                    target.arguments.push(name.to_token_stream());
                    let label = name.unraw().to_string();
                    let fact = call(home, "value_fact", quote! { #label, #name });
                    target.described.extend(quote! { #fact; });
                }
            }
        }
        target.described.extend(children);
        for predicate in generics.where_clause.iter_mut().flat_map(|clause| &mut clause.predicates) {
            let WherePredicate::Type(predicate) = predicate else { continue };
            let is_self = matches!(&predicate.bounded_ty, Type::Path(ty) if ty.path.is_ident("Self"));
            let sized = matches!(&predicate.bounded_ty, Type::Path(ty) if ty.path.get_ident().is_some_and(&is_sized));
            let is_dropped = is_self || sized && predicate.bounds.iter().any(is_maybe);
            if !is_dropped {
                to_static.visit_predicate_type_mut(predicate);
                target.predicates.push(predicate.to_token_stream());
            }
        }
        target
    }
}

/// Whether a bound is `?Sized`.
fn is_maybe(bound: &syn::TypeParamBound) -> bool {
    matches!(bound, syn::TypeParamBound::Trait(bound) if bound.maybe.is_some())
}

/// The attributes that decide whether something exists.
pub(super) fn conditions(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| {
        let adds_one = || attribute.path().is_ident("cfg_attr") && mentions_cfg(attribute.meta.to_token_stream());
        attribute.path().is_ident("cfg") || adds_one()
    })
}

fn mentions_cfg(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(word) => word == "cfg",
        proc_macro2::TokenTree::Group(group) => mentions_cfg(group.stream()),
        _ => false,
    })
}
