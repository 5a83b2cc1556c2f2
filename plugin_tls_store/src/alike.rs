//! Which item a declaration is, if others are written like it.
//!
//! As a rule an identity is one item. There are two exceptions, in which a distinction is added to the identity:
//!
//! - The items of a crate that is compiled as a cdylib and nothing else belong to its image. Two unrelated crates may have
//!   the same name. The distinction is the path of the image.
//! - Several items of one binary may be written alike, in two blocks of one function. The macros number the items of a
//!   crate that have the same name and type, and equal builds of the crate agree in the numbers. The distinction is the
//!   number.

#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::collections::HashMap;
use std::ptr;

use plugin_tls_abi::identity::{ByKey, Declaration, Identity};

use crate::records::{Binary, ItemCopy, Record};
use crate::registry::Registered;

/// Which item a declaration is.
#[derive(Debug)]
pub(crate) enum Place {
    /// The declaration has been registered: this is its copy.
    Known(&'static ItemCopy),
    /// Another declaration of the binary, that of the copy, has the same identity and the same number.
    Duplicate(&'static ItemCopy),
    /// The item whose identity has this distinction, and its record if there is one. `written_alike` says whether the binary
    /// has others that are written like it.
    Item { distinction: Cow<'static, str>, written_alike: bool, found: Option<&'static Record> },
    /// Nothing tells which of several items it is that another binary has, that of the copy.
    Ambiguous(&'static ItemCopy),
}

/// Identities of which a binary has several items.
#[derive(Debug)]
pub(crate) struct Alike<'a>(HashMap<Identity<'a>, usize, ByKey>);

impl<'a> Alike<'a> {
    pub(crate) fn among(declarations: &[Option<Declaration<'a>>]) -> Self {
        let mut counts = HashMap::with_hasher(ByKey::new());
        let all = || declarations.iter().flatten();
        // At most one of several has the number zero. As a rule none has another, and there is nothing to count.
        for numbered in all().filter(|declaration| declaration.number > 0) {
            counts.insert(numbered.identity, 0);
        }
        if !counts.is_empty() {
            for declaration in all() {
                if let Some(count) = counts.get_mut(&declaration.identity) {
                    *count += 1;
                }
            }
        }
        Alike(counts)
    }

    fn has_several(&self, identity: &Identity<'a>) -> bool {
        !self.0.is_empty() && self.0.get(identity).is_some_and(|count| *count > 1)
    }
}

impl Registered {
    /// Finds out which item a declaration of `binary` is, whose copy has this word. `bytes` is memory to work in.
    pub(crate) fn place<'a>(
        &self,
        binary: &'static Binary,
        declaration: &Declaration<'a>,
        word: *const (),
        alike: &Alike<'a>,
        bytes: &mut Vec<u8>,
    ) -> Place {
        let base = declaration.identity;
        let is_own = |copy: &&'static ItemCopy| ptr::eq(copy.binary, binary);
        let is_this = |copy: &&'static ItemCopy| is_own(copy) && copy.word.cast() == word;
        if declaration.is_alone {
            return self.place_alone(binary, declaration, word, bytes);
        }
        let found = self.records.get(&base).copied();
        let of_base = || found.into_iter().flat_map(|record| self.copies_of(record));
        if self.groups.is_empty() && alike.0.is_empty() && !of_base().any(|copy| is_own(&copy)) {
            return Place::Item { distinction: Cow::Borrowed(""), written_alike: false, found };
        }
        let group = || {
            self.groups.get(&base.key()).into_iter().flatten().filter(|record| record.identity.is_written_like(&base))
        };
        let in_group = || group().flat_map(|record| self.copies_of(record));
        if let Some(known) = of_base().find(is_this).or_else(|| in_group().find(is_this)) {
            return Place::Known(known);
        }
        let own = || of_base().chain(in_group()).filter(is_own);
        if let Some(other) = own().find(|copy| copy.facts.number == declaration.number) {
            return Place::Duplicate(other);
        }
        let several = alike.has_several(&base) || own().next().is_some();
        let plain = Place::Item { distinction: Cow::Borrowed(""), written_alike: several, found };
        if !several {
            return in_group().next().map_or(plain, Place::Ambiguous);
        }
        let distinction = Cow::Owned(declaration.number.to_string());
        let record = self.records.get(&base.distinct(&distinction, bytes)).copied();
        let numbered = record.and_then(|record| self.copies_of(record).next());
        match of_base().next() {
            // A binary registered this one before it knew of the others: a host whose constructors had not all run.
            Some(first) if numbered.is_none() && first.facts.number == declaration.number && !is_own(&first) => plain,
            // The other binary has one only.
            Some(first) if numbered.is_none() && !is_own(&first) && in_group().next().is_none() => {
                Place::Ambiguous(first)
            }
            _ => Place::Item { distinction, written_alike: true, found: record },
        }
    }

    /// An item that belongs to the image of `binary`.
    fn place_alone(
        &self,
        binary: &'static Binary,
        declaration: &Declaration<'_>,
        word: *const (),
        bytes: &mut Vec<u8>,
    ) -> Place {
        let mut distinction = Cow::Borrowed(binary.path());
        if declaration.number > 0 {
            distinction.to_mut().push_str(&format!(" {}", declaration.number));
        }
        loop {
            let found = self.records.get(&declaration.identity.distinct(&distinction, bytes)).copied();
            match found.and_then(|record| self.copies_of(record).next()) {
                None => return Place::Item { distinction, written_alike: false, found },
                Some(copy) if !ptr::eq(copy.binary, binary) => {}
                Some(own) if own.word.cast() == word => return Place::Known(own),
                Some(own) => return Place::Duplicate(own),
            }
            // Another image was loaded from the same path.
            distinction.to_mut().push('+');
        }
    }
}
