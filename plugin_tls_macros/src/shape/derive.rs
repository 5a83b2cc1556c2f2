//! `#[derive(Shape)]`.
//!
//! The compiler has evaluated the `cfg`s of fields and variants before it calls a derive.

#![forbid(unsafe_code)]

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::visit_mut::VisitMut;
use syn::{Attribute, Data, DataEnum, DeriveInput, Error, Field, GenericArgument, PathArguments, Type, TypePath};

use super::lifetimes::ToStatic;
use super::target::{self, Target, call, describer, found};
use crate::home;
use crate::print::type_text;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let expanded = syn::parse2(input).and_then(|input: DeriveInput| {
        let home = home::of_derive(&input.attrs)?;
        refuse_endless(&input)?;
        Ok(implementation(&home, &input))
    });
    expanded.unwrap_or_else(Error::into_compile_error)
}

fn implementation(home: &TokenStream, input: &DeriveInput) -> TokenStream {
    let name = &input.ident;
    let describer = describer();
    // Whether `offset_of!` can be asked for the last field is known only of a sized one.
    let last = fields(input).last().map(|field| &field.ty);
    let is_last = |param: &Ident| matches!(last, Some(Type::Path(ty)) if ty.path.is_ident(param));
    let Target { params, arguments, predicates, described } = Target::new(home, &input.generics, is_last);
    let mut to_static = ToStatic::declared_by([&input.generics]);

    let repr = repr_text(&input.attrs).map(|repr| {
        let fact = call(home, "fact", quote! { "repr", #repr });
        quote! { #fact; }
    });
    let text = target::text(home, name);
    let (begin, body) = match &input.data {
        Data::Struct(data) => ("begin_struct", fields_in_place(home, data.fields.iter(), &mut to_static)),
        Data::Union(data) => ("begin_union", fields_in_place(home, data.fields.named.iter(), &mut to_static)),
        Data::Enum(data) => ("begin_enum", variants(home, data, &input.attrs, &mut to_static)),
    };
    let begin = Ident::new(begin, Span::call_site());
    let end = call(home, "end", quote! {});
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl<#(#params),*> #home::Shape for #name<#(#arguments),*>
        where
            #(#predicates),*
        {
            fn __plugin_tls_shape(#describer: &mut #home::__private::Describer) {
                if #home::__private::Describer::#begin::<Self>(#describer, #text) {
                    #repr
                    #described
                    #body
                    #end;
                }
            }
        }
    }
}

/// All fields of a type.
fn fields(input: &DeriveInput) -> Vec<&Field> {
    match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Union(data) => data.fields.named.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
    }
}

/// A field's name as a path has it, its name in code, and what there is for its type.
fn field(
    home: &TokenStream,
    index: usize,
    field: &Field,
    to_static: &mut ToStatic,
) -> (String, TokenStream, TokenStream) {
    let mut ty = field.ty.clone();
    to_static.visit_type_mut(&mut ty);
    let found = found(home, ty);
    match &field.ident {
        Some(name) => (format!(".{}", name.unraw()), name.to_token_stream(), found),
        None => (format!(".{index}"), syn::Index::from(index).to_token_stream(), found),
    }
}

/// The fields of a struct or union, with their offsets.
fn fields_in_place<'a>(
    home: &TokenStream,
    fields: impl Iterator<Item = &'a Field>,
    to_static: &mut ToStatic,
) -> TokenStream {
    let fields = fields.enumerate().map(|(index, of)| {
        let (label, name, found) = field(home, index, of, to_static);
        let call = call(home, "field", quote! { #label, #home::__private::offset_of!(Self, #name), #found });
        quote! { #call; }
    });
    fields.collect()
}

/// The variants of an enum.
fn variants(home: &TokenStream, data: &DataEnum, attributes: &[Attribute], to_static: &mut ToStatic) -> TokenStream {
    let number = discriminant_type(attributes);
    let variants = data.variants.iter().map(|variant| {
        let name = variant.ident.unraw().to_string();
        let (begin, end) = (call(home, "begin_variant", quote! { #name }), call(home, "end", quote! {}));
        let discriminant = variant.discriminant.as_ref().map(|(_, value)| {
            let number = quote! { #home::__private::primitive::#number };
            let value = quote! {
                const { let __plugin_tls_value: #number = { #value }; __plugin_tls_value as #home::__private::primitive::i128 }
            };
            let fact = call(home, "value_fact", quote! { "discriminant", #value });
            quote! { #fact; }
        });
        let fields = variant.fields.iter().enumerate().map(|(index, of)| {
            let (label, _, found) = field(home, index, of, to_static);
            let part = call(home, "part", quote! { #label, #found });
            quote! { #part; }
        });
        quote! { #begin; #discriminant #(#fields)* #end; }
    });
    variants.collect()
}

/// What the `repr` attributes say.
fn repr_text(attributes: &[Attribute]) -> Option<String> {
    let texts: Vec<_> = reprs(attributes).map(type_text).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

fn reprs(attributes: &[Attribute]) -> impl Iterator<Item = TokenStream> {
    let lists = attributes.iter().filter(|attribute| attribute.path().is_ident("repr"));
    lists.filter_map(|attribute| Some(attribute.meta.require_list().ok()?.tokens.clone()))
}

/// The type of an enum's discriminants.
fn discriminant_type(attributes: &[Attribute]) -> Ident {
    let is_number = |word: &Ident| {
        let word = word.to_string();
        word.starts_with(['i', 'u']) && (word.ends_with("size") || word[1..].parse::<u8>().is_ok())
    };
    let words = reprs(attributes).flatten().filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word),
        _ => None,
    });
    let found = words.filter(is_number).last();
    found.map_or_else(|| format_ident!("isize"), |word| Ident::new(&word.to_string(), Span::call_site()))
}

/// Refuses a type that contains itself with other and ever larger arguments: its description would have no end, and
/// neither would the compiler's work on it.
fn refuse_endless(input: &DeriveInput) -> syn::Result<()> {
    struct Find<'a> {
        name: &'a Ident,
        params: Vec<&'a Ident>,
        error: Option<Error>,
    }

    impl<'ast> Visit<'ast> for Find<'_> {
        fn visit_type_path(&mut self, ty: &'ast TypePath) {
            let segments = &ty.path.segments;
            let is_itself = |first: &Ident| segments.len() == 1 || segments.len() == 2 && first == "self";
            if let (Some(first), Some(last)) = (segments.first(), segments.last()) {
                if ty.qself.is_none() && last.ident == *self.name && is_itself(&first.ident) {
                    self.arguments(ty, &last.arguments);
                }
            }
            visit::visit_type_path(self, ty);
        }
    }

    impl Find<'_> {
        fn arguments(&mut self, ty: &TypePath, arguments: &PathArguments) {
            let PathArguments::AngleBracketed(arguments) = arguments else { return };
            for argument in &arguments.args {
                let GenericArgument::Type(argument) = argument else { continue };
                let is_param = matches!(argument, Type::Path(path) if path.path.get_ident().is_some());
                if !is_param && mentions(argument.to_token_stream(), &self.params) {
                    let name = self.name;
                    self.error.get_or_insert_with(|| {
                        Error::new_spanned(
                            ty,
                            format!(
                                "`{name}` contains itself with larger type arguments, so its shape would have no end: \
                                 derive `Shape` only for types that contain themselves with their own arguments"
                            ),
                        )
                    });
                }
            }
        }
    }

    let params = input.generics.type_params().map(|param| &param.ident).collect();
    let mut find = Find { name: &input.ident, params, error: None };
    fields(input).into_iter().for_each(|field| find.visit_type(&field.ty));
    find.error.map_or(Ok(()), Err)
}

/// Whether one of the words occurs in `tokens`.
fn mentions(tokens: TokenStream, words: &[&Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => words.contains(&&word),
        TokenTree::Group(group) => mentions(group.stream(), words),
        _ => false,
    })
}
