//! Why an item of a plugin cannot share the value of another binary's.

#![forbid(unsafe_code)]

use std::fmt;

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
    /// The binary that was there first: the host, or a plugin that shares an item which the host does not have.
    pub known: Side,
    /// The plugin that is refused.
    pub offered: Side,
    /// How two layouts differ, in the words of their scheme. `Display` shows the beginning.
    pub detail: Option<String>,
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
    /// The type itself: nothing proves that both sides mean the same one.
    Type,
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

impl fmt::Display for MismatchField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MismatchField::Kind => "kind",
            MismatchField::Size => "size",
            MismatchField::Align => "alignment",
            MismatchField::NeedsDrop => "needs drop",
            MismatchField::Type => "type",
            MismatchField::HiddenState => "hidden state",
            MismatchField::Declaration => "declaration",
        })
    }
}

/// How much of a [`Mismatch::detail`] is shown.
const DETAIL_LINES: usize = 16;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            MismatchField::HiddenState => writeln!(f, "`{}`: its type relies on {}", self.item, self.field)?,
            field => writeln!(f, "`{}`: {field} differs", self.item)?,
        }
        for side in [&self.known, &self.offered] {
            if !side.binary.is_empty() {
                writeln!(f, "  in {}: {} (declared at {})", side.binary, side.value, side.site)?;
            }
        }
        let detail = self.detail.iter().flat_map(|detail| detail.lines()).filter(|line| !line.trim().is_empty());
        for line in detail.take(DETAIL_LINES) {
            writeln!(f, "    {line}")?;
        }
        write!(f, "  {}", self.advice)
    }
}

/// All of `mismatches`, as one report.
pub(crate) fn report(mismatches: &[Mismatch]) -> String {
    mismatches.iter().map(Mismatch::to_string).collect::<Vec<_>>().join("\n")
}
