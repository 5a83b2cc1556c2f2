//! Why an item of a plugin cannot share the value of another binary's.

#![forbid(unsafe_code)]

use std::fmt;

use plugin_tls_abi::identity::Identity;

/// One reason why a plugin's item cannot share the value of another binary's.
///
/// `Display` says it all, in lines.
///
/// ```
/// use plugin_tls_store::mismatch::{Mismatch, MismatchField};
///
/// fn sizes(mismatches: &[Mismatch]) -> Vec<&str> {
///     let sizes = mismatches.iter().filter(|mismatch| mismatch.field == MismatchField::Size);
///     sizes.map(|mismatch| mismatch.item.as_str()).collect()
/// }
///
/// assert!(sizes(&[]).is_empty());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Mismatch {
    /// The item: `crate::module::NAME`.
    pub item: String,
    /// What differs.
    pub field: MismatchField,
    /// The part of the type that differs, if it is known: `Session.user.name`. The sides' values are those of this part.
    pub place: Option<String>,
    /// The binary that was there first: the host, or a plugin that shares an item which the host does not have.
    pub known: Side,
    /// The plugin that is refused.
    pub offered: Side,
    /// How the two types differ, or why they are not proven to be the same.
    pub detail: Option<String>,
    /// How the two builds of the crate that declares the item differ; empty if they do not, or if that is not known.
    pub builds: Vec<String>,
    /// What to do about it.
    pub advice: String,
}

/// What differs between two declarations of an item.
///
/// ```
/// assert_eq!(plugin_tls_store::mismatch::MismatchField::NeedsDrop.to_string(), "needs drop");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum MismatchField {
    /// Thread-local here, process-wide there.
    Kind,
    /// The type's size in bytes.
    Size,
    /// The type's alignment in bytes.
    Align,
    /// Whether the type needs to be dropped.
    NeedsDrop,
    /// The size in bytes of the `Option` of the type, which tells whether the type has values that are never used.
    OptionSize,
    /// The type itself.
    Type,
    /// Nothing differs, but nothing proves that both sides mean the same type either.
    Unproven,
    /// The type is the same, but its values rely on statics of a crate, of which each binary has its own.
    HiddenState,
    /// Two declarations of one binary cannot be told apart, or a declaration cannot be read.
    Declaration,
}

/// One side of a [`Mismatch`].
///
/// ```
/// use plugin_tls_store::mismatch::Side;
///
/// fn blame(side: &Side) -> String {
///     format!("{} at {}", side.binary, side.site)
/// }
///
/// assert_eq!(blame(&Side::default()), " at ");
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Side {
    /// The binary's file name.
    pub binary: String,
    /// The field's value there, in words.
    pub value: String,
    /// Where the item is declared: `file:line:column`.
    pub site: String,
}

/// What to do about two builds of a crate that differ.
pub(crate) const SAME_CRATE: &str =
    "build both sides with the same version, features and settings of the crate that declares it";
/// What to do about items that are written alike.
pub(crate) const RENAME: &str = "build both sides from the same sources with the same settings, or give each of the items a \
                                 name of its own, or a function of its own";

impl Side {
    fn new(binary: &str, value: &str, site: &str) -> Self {
        Side { binary: binary.to_owned(), value: value.to_owned(), site: site.to_owned() }
    }
}

impl Mismatch {
    fn of_declarations(item: String, [known, offered]: [Side; 2], advice: &str) -> Self {
        Mismatch {
            item,
            field: MismatchField::Declaration,
            place: None,
            known,
            offered,
            detail: None,
            builds: Vec::new(),
            advice: advice.to_owned(),
        }
    }

    /// Two declarations of a binary that neither text nor number tells apart, at these sites.
    pub(crate) fn duplicate(identity: &Identity<'_>, binary: &str, sites: [&str; 2]) -> Self {
        let sides = sites.map(|site| Side::new(binary, "one declaration of two", site));
        Self::of_declarations(
            identity.to_string(),
            sides,
            "two compatible versions of a crate in one binary declare the same item: let all crates of the binary depend on \
             one version",
        )
    }

    /// A declaration of which another binary has several. The sides are binaries and sites, the known one first.
    pub(crate) fn ambiguous(identity: &Identity<'_>, sides: [(&str, &str); 2]) -> Self {
        let value = "it is not known which of several that are written alike";
        let sides = sides.map(|(binary, site)| Side::new(binary, value, site));
        Self::of_declarations(identity.to_string(), sides, RENAME)
    }

    /// A declaration whose text is not the macros'.
    pub(crate) fn unreadable(binary: &str, text: &str, path: &str) -> Self {
        Self::of_declarations(
            path.to_owned(),
            [Side::default(), Side::new(binary, &format!("{text:?}"), "")],
            "the declaration cannot be read: declare items with the macros of plugin_tls only, and build host and plugin \
             with versions of it that share the major version",
        )
    }
}

impl fmt::Display for MismatchField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MismatchField::Kind => "kind",
            MismatchField::Size => "size",
            MismatchField::Align => "alignment",
            MismatchField::NeedsDrop => "needs drop",
            MismatchField::OptionSize => "size of its `Option`",
            MismatchField::Type => "type",
            MismatchField::Unproven => "proof of the type",
            MismatchField::HiddenState => "hidden state",
            MismatchField::Declaration => "declaration",
        })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { item, field, place, known, offered, detail, builds, advice } = self;
        match (place, field) {
            (Some(place), _) => {
                let sides = [(known, ", "), (offered, "\n")];
                write!(f, "{item}: `{place}` is ")?;
                sides.iter().try_for_each(|(side, end)| write!(f, "{} in {}{end}", side.value, side.binary))?;
            }
            (None, MismatchField::Unproven) => writeln!(f, "{item}: the types are not proven to be the same")?,
            (None, MismatchField::HiddenState) => writeln!(f, "{item}: its type relies on {field}")?,
            (None, field) => writeln!(f, "{item}: {field} differs")?,
        }
        for side in [known, offered].into_iter().filter(|side| !side.binary.is_empty()) {
            match place {
                Some(_) => writeln!(f, "  declared at {} in {}", side.site, side.binary)?,
                None => writeln!(f, "  in {}: {} (declared at {})", side.binary, side.value, side.site)?,
            }
        }
        for line in detail.iter().flat_map(|detail| detail.lines()).filter(|line| !line.trim().is_empty()) {
            writeln!(f, "    {line}")?;
        }
        for difference in builds {
            writeln!(f, "    {difference}")?;
        }
        write!(f, "  {advice}")
    }
}

/// All of `mismatches`, as one report.
pub(crate) fn report(mismatches: &[Mismatch]) -> String {
    mismatches.iter().map(Mismatch::to_string).collect::<Vec<_>>().join("\n")
}
