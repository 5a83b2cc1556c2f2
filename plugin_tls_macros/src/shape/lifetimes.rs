//! Types without lifetime parameters. An item's type is `'static`, so a shape speaks of types with `'static` everywhere.

#![forbid(unsafe_code)]

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{GenericParam, Generics, Lifetime, ParenthesizedGenericArguments, Signature, TypeFnPtr, TypeReference};

/// Puts `'static` in the place of lifetimes.
pub(super) struct ToStatic {
    /// The lifetimes that are replaced.
    names: Vec<Ident>,
    /// Replace lifetimes that are left out, too.
    elided: bool,
}

impl ToStatic {
    /// Replaces the lifetimes that `generics` declare.
    pub(super) fn declared_by<'a>(generics: impl IntoIterator<Item = &'a Generics>) -> Self {
        let params = generics.into_iter().flat_map(|generics| &generics.params);
        let names = params.filter_map(|param| match param {
            GenericParam::Lifetime(param) => Some(param.lifetime.ident.clone()),
            _ => None,
        });
        ToStatic { names: names.collect(), elided: false }
    }

    /// Replaces lifetimes that are left out as well, as arguments of functions have them.
    pub(super) fn with_elided(self) -> Self {
        ToStatic { elided: true, ..self }
    }

    /// Visits what binds its own elided lifetimes.
    fn within_binder(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.elided, false);
        visit(self);
        self.elided = before;
    }
}

impl VisitMut for ToStatic {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.names.contains(&lifetime.ident) || self.elided && lifetime.ident == "_" {
            *lifetime = Lifetime::new("'static", lifetime.span());
        }
    }

    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        if self.elided && ty.lifetime.is_none() {
            ty.lifetime = Some(Lifetime::new("'static", ty.and_token.spans[0]));
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_type_fn_ptr_mut(&mut self, ty: &mut TypeFnPtr) {
        self.within_binder(|this| visit_mut::visit_type_fn_ptr_mut(this, ty));
    }

    fn visit_parenthesized_generic_arguments_mut(&mut self, arguments: &mut ParenthesizedGenericArguments) {
        self.within_binder(|this| visit_mut::visit_parenthesized_generic_arguments_mut(this, arguments));
    }
}

/// The lifetimes of a method in the order in which they occur: `_` for one that is left out, a number for one that the
/// method declares, `t` and a number for one that the trait declares, else its name. Two methods with the same types can
/// differ in them.
pub(super) fn of_method(of_trait: &Generics, signature: &Signature) -> String {
    struct Collect {
        declared: Vec<(Ident, String)>,
        words: Vec<String>,
    }

    impl<'ast> Visit<'ast> for Collect {
        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            let declared = self.declared.iter().find(|(declared, _)| *declared == lifetime.ident);
            self.words.push(declared.map_or_else(|| lifetime.ident.to_string(), |(_, word)| word.clone()));
        }

        fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
            if ty.lifetime.is_none() {
                self.words.push("_".to_owned());
            }
            visit::visit_type_reference(self, ty);
        }
    }

    let declared = |generics: &Generics, prefix: &str| -> Vec<(Ident, String)> {
        let names = generics.lifetimes().map(|param| param.lifetime.ident.clone());
        names.enumerate().map(|(number, name)| (name, format!("{prefix}{number}"))).collect()
    };
    let declared = [declared(of_trait, "t"), declared(&signature.generics, "")].concat();
    let mut collect = Collect { declared, words: Vec::new() };
    signature.inputs.iter().for_each(|input| collect.visit_fn_arg(input));
    collect.visit_return_type(&signature.output);
    collect.words.join(" ")
}
