//! `#[shape]` on a trait: the shapes of its objects.
//!
//! An attribute sees its item before the compiler has evaluated the `cfg`s within, so each is repeated at what it applies to.

#![forbid(unsafe_code)]

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Error, FnArg, Generics, ItemTrait, PathArguments, Receiver, ReceiverKind, ReturnType, Safety, Signature, Token,
    TraitItem, TraitItemFn, TraitItemType, Type, TypeParamBound, TypePath, WherePredicate,
};

use super::lifetimes::{self, ToStatic};
use super::target::{self, Target, call, conditions, describer, found};
use crate::home;
use crate::print::type_text;

/// The auto traits that objects are combined with.
const COMBINATIONS: [&[&str]; 3] = [&["Send"], &["Sync"], &["Send", "Sync"]];

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let implementations = syn::parse2(item.clone())
        .map_err(|error| {
            Error::new(error.span(), format!("`#[shape]` is for traits, for a type derive `Shape`: {error}"))
        })
        .and_then(|item: ItemTrait| Ok(implementations(&home::of_attribute(arguments)?, &item)))
        .unwrap_or_else(Error::into_compile_error);
    quote! { #item #implementations }
}

fn implementations(home: &TokenStream, item: &ItemTrait) -> TokenStream {
    let name = &item.ident;
    let describer = describer();
    let mut replace = Replace { associated: associated(item).map(|ty| ty.ident.clone()).collect() };
    let Target { mut params, mut arguments, predicates, described } = Target::new(home, &item.generics, |_| false);
    let mut described = described;
    for ty in associated(item) {
        let (param, conditions) = (param_of(&ty.ident), conditions(&ty.attrs).collect::<Vec<_>>());
        let mut bounds = ty.bounds.clone();
        let mut to_static = ToStatic::declared_by([&item.generics]);
        for bound in &mut bounds {
            to_static.visit_type_param_bound_mut(bound);
            replace.visit_type_param_bound_mut(bound);
        }
        let bounds: Punctuated<_, Token![+]> = bounds.into_iter().collect();
        let separator = (!bounds.is_empty()).then(|| quote! { + });
        let name = &ty.ident;
        params.push(quote! { #(#conditions)* #param: #bounds #separator #home::Shape });
        arguments.push(quote! { #name = #param });
        let (label, found) = (format!("<{}>", name.unraw()), found(home, &param));
        let part = call(home, "part", quote! { #label, #found });
        described.extend(quote! { #part; });
    }

    let object = quote! { dyn #name<#(#arguments),*> };
    let text = target::text(home, name);
    let is_unsafe = item.unsafety.map(|_| {
        let fact = call(home, "fact", quote! { "unsafe", "yes" });
        quote! { #fact; }
    });
    let supertraits = supertraits(home, item, &mut replace);
    let methods = item.items.iter().filter_map(|item_in_trait| match item_in_trait {
        TraitItem::Fn(of) if !needs_sized(&of.sig.generics) => Some(method(home, &item.generics, of, &mut replace)),
        _ => None,
    });
    let end = call(home, "end", quote! {});
    let conditions: Vec<_> = conditions(&item.attrs).collect();
    let implement = |object: &TokenStream, body: TokenStream| {
        quote! {
            #(#conditions)*
            #[automatically_derived]
            #[allow(deprecated)]
            impl<#(#params),*> #home::Shape for #object
            where
                #(#predicates),*
            {
                fn __plugin_tls_shape(#describer: &mut #home::__private::Describer) {
                    #body
                }
            }
        }
    };
    let mut implementations = implement(
        &object,
        quote! {
            if #home::__private::Describer::begin_trait::<Self>(#describer, #text) {
                #is_unsafe
                #described
                #supertraits
                #(#methods)*
                #end;
            }
        },
    );
    for traits in COMBINATIONS {
        let template = format!("{{}} + {}", traits.join(" + "));
        let traits = traits.iter().map(|name| Ident::new(name, Span::call_site()));
        implementations.extend(implement(
            &quote! { #object #(+ #home::__private::#traits)* },
            quote! { #home::__private::Describer::trait_with::<Self, #object>(#describer, #template) },
        ));
    }
    implementations
}

/// The associated types that an object has to name.
fn associated(item: &ItemTrait) -> impl Iterator<Item = &TraitItemType> {
    item.items.iter().filter_map(|item| match item {
        TraitItem::Type(ty) if ty.generics.params.is_empty() && !needs_sized(&ty.generics) => Some(ty),
        _ => None,
    })
}

/// The implementation's parameter for an associated type.
fn param_of(associated: &Ident) -> Ident {
    format_ident!("__PluginTls{}", associated.unraw())
}

/// Puts the implementation's parameters in the place of `Self::Type`.
struct Replace {
    associated: Vec<Ident>,
}

impl VisitMut for Replace {
    fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
        let segments = &ty.path.segments;
        if ty.qself.is_none() && segments.len() == 2 && segments[0].ident == "Self" {
            if let (Some(name), PathArguments::None) =
                (self.associated.iter().find(|name| **name == segments[1].ident), &segments[1].arguments)
            {
                ty.path = param_of(name).into();
            }
        }
        visit_mut::visit_type_path_mut(self, ty);
    }
}

/// Whether something is only there for types, and not for objects.
fn needs_sized(generics: &Generics) -> bool {
    let is_sized = |bound: &TypeParamBound| {
        matches!(bound, TypeParamBound::Trait(bound)
            if bound.maybe.is_none() && bound.path.segments.last().is_some_and(|last| last.ident == "Sized"))
    };
    generics.where_clause.iter().flat_map(|clause| &clause.predicates).any(|predicate| {
        matches!(predicate, WherePredicate::Type(predicate)
            if is_self(&predicate.bounded_ty) && predicate.bounds.iter().any(is_sized))
    })
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(ty) if ty.qself.is_none() && ty.path.is_ident("Self"))
}

/// The supertraits, each as its object.
fn supertraits(home: &TokenStream, item: &ItemTrait, replace: &mut Replace) -> TokenStream {
    let clause = item.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let of_self = clause.filter_map(|predicate| match predicate {
        WherePredicate::Type(predicate) if is_self(&predicate.bounded_ty) => Some(&predicate.bounds),
        _ => None,
    });
    let bounds = item.supertraits.iter().chain(of_self.flatten());
    let traits = bounds.filter(|bound| matches!(bound, TypeParamBound::Trait(bound) if bound.maybe.is_none()));
    let mut to_static = ToStatic::declared_by([&item.generics]);
    let parts = traits.cloned().enumerate().map(|(index, mut bound)| {
        to_static.visit_type_param_bound_mut(&mut bound);
        replace.visit_type_param_bound_mut(&mut bound);
        let found = found(home, quote! { dyn #bound });
        let label = format!("[supertrait {index}]");
        let part = call(home, "part", quote! { #label, #found });
        quote! { #part; }
    });
    parts.collect()
}

fn method(home: &TokenStream, generics: &Generics, of: &TraitItemFn, replace: &mut Replace) -> TokenStream {
    let signature = &of.sig;
    let name = signature.ident.unraw().to_string();
    let (begin, end) = (call(home, "begin_method", quote! { #name }), call(home, "end", quote! {}));
    let facts = facts(generics, signature).into_iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| {
        let fact = call(home, "fact", quote! { #label, #value });
        quote! { #fact; }
    });
    let mut to_static = ToStatic::declared_by([generics, &signature.generics]).with_elided();
    let mut ty = |ty: &Type| {
        let mut ty = ty.clone();
        to_static.visit_type_mut(&mut ty);
        replace.visit_type_mut(&mut ty);
        found(home, ty)
    };
    let arguments = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let arguments = arguments.enumerate().map(|(index, argument)| {
        let (conditions, found) = (conditions(&argument.attrs), ty(&argument.ty));
        let label = format!("[argument {index}]");
        let part = call(home, "part", quote! { #label, #found });
        quote! { #(#conditions)* { #part; } }
    });
    let arguments: Vec<_> = arguments.collect();
    let result = match &signature.output {
        ReturnType::Type(_, result) if !matches!(**result, Type::Never(_)) => {
            let found = ty(result);
            let part = call(home, "part", quote! { "[result]", #found });
            Some(quote! { #part; })
        }
        // `!` cannot be named elsewhere. It is among the facts.
        _ => None,
    };
    let conditions = conditions(&of.attrs);
    quote! {
        #(#conditions)*
        {
            #begin;
            #(#facts)*
            #(#arguments)*
            #result
            #end;
        }
    }
}

/// What belongs to a method besides the types of its arguments and its result.
fn facts(of_trait: &Generics, signature: &Signature) -> [(&'static str, String); 5] {
    let receiver = signature.receiver().map(|Receiver { kind, .. }| match kind {
        ReceiverKind::Reference(_, _, None) => "&self".to_owned(),
        ReceiverKind::Reference(_, _, Some(_)) => "&mut self".to_owned(),
        ReceiverKind::Typed(_, ty) => type_text(ty.to_token_stream()),
        _ => "self".to_owned(),
    });
    let is_unsafe = if matches!(signature.safety, Safety::Unsafe(_)) { "yes" } else { "" };
    let returns_never = matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)));
    let result = if returns_never { "!" } else { "" };
    let abi = signature.abi.as_ref().map(|abi| type_text(abi.to_token_stream())).unwrap_or_default();
    [
        ("receiver", receiver.unwrap_or_default()),
        ("unsafe", is_unsafe.to_owned()),
        ("ABI", abi),
        ("result", result.to_owned()),
        ("lifetimes", lifetimes::of_method(of_trait, signature)),
    ]
}
