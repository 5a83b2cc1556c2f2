//! A copy that a binary offers, and what is wrong with it in words.

#![forbid(unsafe_code)]

use std::iter;

use plugin_tls_abi::identity::Identity;

use crate::builds;
use crate::hidden_state::{self, HiddenState, Reliance};
use crate::mismatch::{Mismatch, MismatchField, RENAME, SAME_CRATE, Side};
use crate::records::{Binary, Facts, ItemCopy};
use crate::shape::{self, UnprovenLeaf};
use crate::std_types::is_of_std;

/// A copy that is to be added to those of an item.
#[derive(Clone, Copy)]
pub(crate) struct Offered<'a> {
    pub(crate) identity: &'a Identity<'a>,
    pub(crate) binary: &'a Binary,
    pub(crate) facts: &'a Facts,
    /// The binary has other items that are written like this one, so that only equal builds agree in which is which.
    pub(crate) written_alike: bool,
    /// What values of the type rely on besides their own bytes.
    pub(crate) relied_on: &'a [ReliedOn],
    /// Whether the offered binary and another one share the statics of a crate.
    pub(crate) shares_statics: &'a dyn Fn(&str, &Binary) -> bool,
}

/// Statics that values of a type rely on.
#[derive(Clone, Debug)]
pub(crate) struct ReliedOn {
    /// The type, or the part of it, whose values do.
    path: String,
    pub(crate) state: &'static HiddenState,
}

impl ReliedOn {
    /// What values of a type rely on: by its name, and by its shape where the name does not say it all.
    pub(crate) fn find(facts: &Facts) -> Vec<Self> {
        let says_all = !facts.std_is_ambiguous && is_of_std(facts.type_name);
        let shape = if says_all { String::new() } else { facts.shape() };
        let names = iter::once(facts.type_name).chain(shape::names(&shape));
        let all = names.flat_map(hidden_state::relied_on);
        all.map(|Reliance { path, state, .. }| ReliedOn { path: path.to_owned(), state }).collect()
    }
}

/// How two types differ.
#[derive(Clone, Debug)]
pub(crate) enum Difference {
    /// In the words of the layouts' scheme.
    Layout(String),
    /// The part that differs, and what it is on both sides.
    Shape { path: String, known: String, offered: String },
}

impl Offered<'_> {
    pub(crate) fn same_compiler(&self, known: &ItemCopy) -> bool {
        !self.binary.compiler.is_empty() && known.binary.compiler == self.binary.compiler
    }

    pub(crate) fn same_name(&self, known: &ItemCopy) -> bool {
        known.facts.type_name == self.facts.type_name
    }

    pub(crate) fn mismatch(
        &self,
        known: &ItemCopy,
        field: MismatchField,
        [known_value, offered_value]: [String; 2],
        advice: &str,
    ) -> Mismatch {
        let side = |binary: &Binary, facts: &Facts, value: String| Side {
            binary: binary.name.clone(),
            value,
            site: facts.site.to_owned(),
        };
        Mismatch {
            item: self.identity.to_string(),
            field,
            place: None,
            known: side(known.binary, &known.facts, known_value),
            offered: side(self.binary, self.facts, offered_value),
            builds: self.differences(known),
            detail: None,
            advice: advice.to_owned(),
        }
    }

    /// The builds of the declaring crate, the known one first, if both are known and they differ.
    fn differing_builds(&self, known: &ItemCopy) -> Option<[String; 2]> {
        let (known_build, offered_build) = (known.facts.build?, self.facts.build?);
        (known_build != offered_build).then(|| [known.binary.build(known_build), self.binary.build(offered_build)])
    }

    /// How the builds of the declaring crate differ.
    fn differences(&self, known: &ItemCopy) -> Vec<String> {
        let Some([known_build, offered_build]) = self.differing_builds(known) else { return Vec::new() };
        let differences = builds::differences(&known_build, &known.binary.name, &offered_build, &self.binary.name);
        let name = self.identity.crate_name();
        differences.into_iter().map(|difference| format!("{name}: {difference}")).collect()
    }

    pub(crate) fn relies(&self, known: &ItemCopy, ReliedOn { path, state }: &ReliedOn) -> Mismatch {
        let values = [known.facts.type_name.to_owned(), self.facts.type_name.to_owned()];
        let advice =
            format!("{}; or let both sides link a build of {} that shares its statics", state.instead, state.krate);
        let mismatch = self.mismatch(known, MismatchField::HiddenState, values, &advice);
        let detail = format!(
            "`{path}` relies on {} (in {} {}), and each binary has its own: {}",
            state.statics, state.krate, state.read, state.seen
        );
        Mismatch { detail: Some(detail), builds: Vec::new(), ..mismatch }
    }

    /// Several items of the binary are written alike, and so are those of another build.
    pub(crate) fn ambiguous(&self, known: &ItemCopy) -> Mismatch {
        let value = || "one of several that are written alike".to_owned();
        let mismatch = self.mismatch(known, MismatchField::Declaration, [value(), value()], RENAME);
        Mismatch {
            detail: Some("only equal builds of the crate that declares them agree in which is which".to_owned()),
            ..mismatch
        }
    }

    pub(crate) fn different(&self, known: &ItemCopy, difference: Difference) -> Mismatch {
        match difference {
            Difference::Layout(words) => {
                let mismatch = self.mismatch(known, MismatchField::Type, self.type_values(known), SAME_CRATE);
                Mismatch { detail: Some(words), ..mismatch }
            }
            Difference::Shape { path, known: known_part, offered } => {
                let mismatch = self.mismatch(known, MismatchField::Type, [known_part, offered], SAME_CRATE);
                Mismatch { place: Some(path), ..mismatch }
            }
        }
    }

    fn type_values(&self, known: &ItemCopy) -> [String; 2] {
        [type_value(&known.facts, known.binary), type_value(self.facts, self.binary)]
    }

    /// Nothing proves that the types are the same. `parts` are those that the shapes do not describe.
    pub(crate) fn unproven(&self, known: &ItemCopy, parts: &[UnprovenLeaf]) -> Mismatch {
        let values = self.type_values(known);
        if !self.same_name(known) && self.same_compiler(known) {
            return self.mismatch(known, MismatchField::Type, values, SAME_CRATE);
        }
        let (detail, advice) = self.doubt(known, parts);
        let mismatch = self.mismatch(known, MismatchField::Unproven, values, &advice);
        Mismatch { detail: Some(detail), ..mismatch }
    }

    /// Why nothing proves that the types are the same, and what to do.
    fn doubt(&self, known: &ItemCopy, parts: &[UnprovenLeaf]) -> (String, String) {
        let name = self.identity.crate_name();
        if !self.same_compiler(known) {
            return (
                "two compilers built them, and only layouts of `abi_stable` prove types equal across compilers"
                    .to_owned(),
                "build both sides with the same compiler, or declare the item with `plugin_tls_abi_stable` and derive \
                 `StableAbi` for its type"
                    .to_owned(),
            );
        }
        if let Some(UnprovenLeaf { path, type_name }) = parts.first() {
            return (
                format!(
                    "the builds of the crate {name} differ, and `{path}` has the type `{type_name}`, which has no shape"
                ),
                format!(
                    "derive `Shape` for `{type_name}`, or build both sides from the same sources with the same settings"
                ),
            );
        }
        let Some([known_build, offered_build]) = self.differing_builds(known) else {
            return (
                format!("the build of the crate {name} is not known: the macros could not read all that it depends on"),
                DERIVE_SHAPE.to_owned(),
            );
        };
        let mut advice = format!("build both sides from the same sources with the same settings, or {DERIVE_SHAPE}");
        if let Some(dependency) = builds::differing_crates(&known_build, &offered_build).first() {
            advice += &format!(
                "; if {dependency} depends on `plugin_tls`, let it depend on `plugin_tls_core` instead, which has no features"
            );
        }
        (format!("the builds of the crate {name} differ, and its type has no shape"), advice)
    }
}

const DERIVE_SHAPE: &str = "derive `Shape` for the type and for the types that it consists of";

pub(crate) fn in_words(field: MismatchField, value: usize) -> String {
    match (field, value) {
        (MismatchField::Kind, 0) => "static".to_owned(),
        (MismatchField::Kind, _) => "thread-local".to_owned(),
        (MismatchField::NeedsDrop, 0) => "no".to_owned(),
        (MismatchField::NeedsDrop, _) => "yes".to_owned(),
        _ => format!("{value} bytes"),
    }
}

fn type_value(facts: &Facts, binary: &Binary) -> String {
    let compiler = match binary.compiler_name() {
        "" => "an unknown compiler",
        name => name,
    };
    let layout = if facts.layout.is_null() { "without a stable layout" } else { "with a stable layout" };
    format!("{}, {layout}, by {compiler}", facts.type_name)
}
