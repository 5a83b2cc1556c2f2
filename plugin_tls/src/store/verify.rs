//! Whether two copies of an item are the same type.
//!
//! 1. Kind, size, alignment, needs-drop: differ → rejected.
//! 2. Both sides have an `abi_stable` layout → the layouts decide, compared in both directions.
//! 3. `TypeId` equal → accepted.
//! 4. Same compiler, same type name → accepted, as *unproven*.
//! 5. Anything else → rejected, unless the host chose to trust the plugin.
//!
//! A new copy is accepted if any registered copy accepts it: acceptance is an equivalence, as far as it goes.

#![cfg_attr(not(feature = "host"), allow(unreachable_pub, reason = "public in `host`, where there is one"))]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fmt;

use super::registry::{Binary, Facts, ItemCopy};
use crate::abi::KIND_THREAD_LOCAL;
use crate::key::Identity;

/// Why a copy was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    /// There was no other copy.
    First,
    SameTypeId,
    SameLayout,
    /// The same compiler and the same type name, which is likely the same type and no proof.
    Unproven,
    /// The host's word.
    Trusted,
}

/// One reason why a plugin's item cannot share the value of another binary's.
///
/// `Display` says it all, in lines.
///
/// ```
/// # #[cfg(feature = "host")]
/// # fn main() {
/// use plugin_tls::host::{Mismatch, MismatchField};
///
/// fn sizes(mismatches: &[Mismatch]) -> Vec<&str> {
///     let sizes = mismatches.iter().filter(|mismatch| mismatch.field == MismatchField::Size);
///     sizes.map(|mismatch| mismatch.item.as_str()).collect()
/// }
///
/// assert!(sizes(&[]).is_empty());
/// # }
/// # #[cfg(not(feature = "host"))]
/// # fn main() {}
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
    /// Where both types have layouts that differ: how, in the words of `abi_stable`. `Display` shows the beginning.
    pub detail: Option<String>,
    /// What to do about it.
    pub advice: String,
}

/// What differs between two declarations of an item.
///
/// ```
/// # #[cfg(feature = "host")]
/// # fn main() {
/// assert_eq!(plugin_tls::host::MismatchField::NeedsDrop.to_string(), "needs drop");
/// # }
/// # #[cfg(not(feature = "host"))]
/// # fn main() {}
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
    /// Two declarations of one binary cannot be told apart, or a declaration cannot be read.
    Declaration,
}

/// One side of a [`Mismatch`].
///
/// ```
/// # #[cfg(feature = "host")]
/// # fn main() {
/// use plugin_tls::host::Side;
///
/// fn blame(side: &Side) -> String {
///     format!("{} at {}", side.binary, side.site)
/// }
///
/// assert_eq!(blame(&Side::default()), " at ");
/// # }
/// # #[cfg(not(feature = "host"))]
/// # fn main() {}
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
            MismatchField::Declaration => "declaration",
        })
    }
}

/// How much of a [`Mismatch::detail`] is shown.
const DETAIL_LINES: usize = 16;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "`{}`: {} differs", self.item, self.field)?;
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

/// Verifies a new copy of an item that has other `copies`: why it is accepted, or everything that differs from
/// `reference`, which is the first of them to be asked.
pub(crate) fn verify(
    identity: &Identity<'_>,
    reference: &'static ItemCopy,
    copies: impl Iterator<Item = &'static ItemCopy>,
    binary: &Binary,
    offered: &Facts,
    compared: &mut Compared,
) -> Result<Proof, Vec<Mismatch>> {
    let side = |copy_binary: &Binary, facts: &Facts, value: String| Side {
        binary: copy_binary.name.clone(),
        value,
        site: facts.site.to_owned(),
    };
    let mismatch = |field, known: String, value: String, detail: Option<String>, advice: &str| Mismatch {
        item: identity.to_string(),
        field,
        known: side(reference.binary, &reference.facts, known),
        offered: side(binary, offered, value),
        detail,
        advice: advice.to_owned(),
    };

    let known = &reference.facts;
    let differing: Vec<_> = shape(known)
        .into_iter()
        .zip(shape(offered))
        .filter(|(known, offered)| known != offered)
        .map(|((field, known), (_, offered))| {
            mismatch(field, in_words(field, known), in_words(field, offered), None, SAME_CRATE)
        })
        .collect();
    if !differing.is_empty() {
        return Err(differing);
    }
    let others = copies.filter(|copy| !std::ptr::eq(*copy, reference));
    let mut verdicts = std::iter::once(reference).chain(others).map(|copy| judge(copy, binary, offered, compared));
    let types = || (type_value(known, reference.binary), type_value(offered, binary));
    // The first copy that can tell.
    match verdicts.find(|verdict| !matches!(verdict, Verdict::Unknown)) {
        Some(Verdict::Same(proof)) => Ok(proof),
        Some(Verdict::Different(difference)) => {
            let (known, offered) = types();
            Err(vec![mismatch(MismatchField::Type, known, offered, Some(difference), SAME_CRATE)])
        }
        Some(Verdict::Unknown) | None if binary.trusted => Ok(Proof::Trusted),
        Some(Verdict::Unknown) | None => {
            let (known, offered) = types();
            Err(vec![mismatch(MismatchField::Type, known, offered, None, PROVE_OR_TRUST)])
        }
    }
}

const SAME_CRATE: &str = "build both sides with the same version, features and settings of the crate that declares it";
const PROVE_OR_TRUST: &str = "build both sides with the same compiler, or derive `StableAbi` for the type; if you know \
                              that they are the same type, load the plugin with `Plugin::load_trusted`";

/// What must be equal first, in numbers: words are for what differs.
fn shape(facts: &Facts) -> [(MismatchField, usize); 4] {
    [
        (MismatchField::Kind, usize::from(facts.kind == KIND_THREAD_LOCAL)),
        (MismatchField::Size, facts.size),
        (MismatchField::Align, facts.align),
        (MismatchField::NeedsDrop, usize::from(facts.needs_drop)),
    ]
}

fn in_words(field: MismatchField, value: usize) -> String {
    match (field, value) {
        (MismatchField::Kind, 0) => "static".to_owned(),
        (MismatchField::Kind, _) => "thread-local".to_owned(),
        (MismatchField::NeedsDrop, 0) => "no".to_owned(),
        (MismatchField::NeedsDrop, _) => "yes".to_owned(),
        _ => format!("{value} bytes"),
    }
}

fn type_value(facts: &Facts, binary: &Binary) -> String {
    let compiler = binary.compiler.split(';').next().filter(|name| !name.is_empty()).unwrap_or("an unknown compiler");
    let layout = if facts.layout.is_null() { "without a stable layout" } else { "with a stable layout" };
    format!("{}, {layout}, by {compiler}", facts.type_name)
}

/// What one copy says of another.
enum Verdict {
    Same(Proof),
    /// The layouts differ, in the words of `abi_stable`. No trust overrules that.
    Different(String),
    Unknown,
}

/// Rules 2 to 4 against one copy.
///
/// A `TypeId` tells a type by its path and its crate, not by its fields: the same crate built before and after an edit
/// has the same one. So where both sides have a layout, the layouts decide first.
fn judge(copy: &ItemCopy, binary: &Binary, offered: &Facts, compared: &mut Compared) -> Verdict {
    let known = &copy.facts;
    let same_id = known.type_id == offered.type_id;
    let layouts = !known.layout.is_null() && !offered.layout.is_null();
    if layouts && !binary.layouts.is_empty() && copy.binary.layouts == binary.layouts {
        let outcome =
            compared.0.entry((known.layout, offered.layout)).or_insert_with(|| compare_layouts(known, offered));
        return match outcome {
            Ok(()) if same_id => Verdict::Same(Proof::SameTypeId),
            Ok(()) => Verdict::Same(Proof::SameLayout),
            Err(difference) => Verdict::Different(difference.clone()),
        };
    }
    if same_id {
        return Verdict::Same(Proof::SameTypeId);
    }
    let compilers = !binary.compiler.is_empty() && copy.binary.compiler == binary.compiler;
    if compilers && known.type_name == offered.type_name { Verdict::Same(Proof::Unproven) } else { Verdict::Unknown }
}

/// Layouts that have been compared while a binary is registered: many items have few types.
#[derive(Default)]
pub(crate) struct Compared(BTreeMap<(*const c_void, *const c_void), Result<(), String>>);

#[cfg(feature = "abi_stable")]
fn compare_layouts(known: &Facts, offered: &Facts) -> Result<(), String> {
    use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
    use abi_stable::type_layout::TypeLayout;

    // SAFETY: both are `&'static TypeLayout`s of binaries that are mapped, made by versions of abi_stable that share the
    // definition of `TypeLayout`: the caller has compared them.
    let (known, offered) = unsafe { (&*known.layout.cast::<TypeLayout>(), &*offered.layout.cast::<TypeLayout>()) };
    // Compatibility is directed (an interface may know less than its implementation); a shared value is both.
    let both = || -> Result<(), String> {
        for (known, offered) in [(known, offered), (offered, known)] {
            check_layout_compatibility(known, offered).map_err(|errors| {
                // Each shows both types whole before it comes to the point.
                let words = errors.errors.iter().map(ToString::to_string);
                let points =
                    words.map(|words| words.find("\nError:").map_or(words.clone(), |at| words[at..].to_owned()));
                points.collect::<String>()
            })?;
        }
        Ok(())
    };
    std::panic::catch_unwind(both)
        .unwrap_or_else(|_| Err("abi_stable panicked while it compared the layouts".to_owned()))
}

#[cfg(not(feature = "abi_stable"))]
fn compare_layouts(_: &Facts, _: &Facts) -> Result<(), String> {
    Err("the host was built without `abi_stable`".to_owned())
}

#[cfg(all(test, feature = "abi_stable"))]
mod tests {
    use abi_stable::StableAbi;
    use abi_stable::std_types::RVec;

    use super::*;

    fn facts<T: StableAbi>(type_id: u8) -> Facts {
        Facts {
            kind: KIND_THREAD_LOCAL,
            size: size_of::<T>(),
            align: align_of::<T>(),
            needs_drop: false,
            type_id: [type_id; 16],
            type_name: "api::Scale",
            layout: std::ptr::from_ref(T::LAYOUT).cast(),
            site: "",
        }
    }

    fn verdict(known: Facts, offered: &Facts) -> Verdict {
        let copy = ItemCopy::for_tests(known);
        judge(copy, copy.binary, offered, &mut Compared::default())
    }

    #[test]
    fn an_equal_type_id_does_not_overrule_layouts_that_differ() {
        // A struct whose field types were edited keeps its `TypeId`.
        let outcome = verdict(facts::<RVec<u32>>(1), &facts::<RVec<f32>>(1));
        assert!(matches!(&outcome, Verdict::Different(text) if !text.is_empty()));
    }

    #[test]
    fn equal_layouts_accept() {
        assert!(matches!(verdict(facts::<RVec<u32>>(1), &facts::<RVec<u32>>(1)), Verdict::Same(Proof::SameTypeId)));
        assert!(matches!(verdict(facts::<RVec<u32>>(1), &facts::<RVec<u32>>(2)), Verdict::Same(Proof::SameLayout)));
    }

    #[test]
    fn without_layouts_the_type_id_and_then_the_name_decide() {
        let bare = |type_id, type_name| Facts { layout: std::ptr::null(), type_name, ..facts::<RVec<u32>>(type_id) };
        assert!(matches!(verdict(bare(1, "a"), &bare(1, "b")), Verdict::Same(Proof::SameTypeId)));
        assert!(matches!(verdict(bare(1, "a"), &bare(2, "a")), Verdict::Same(Proof::Unproven)));
        assert!(matches!(verdict(bare(1, "a"), &bare(2, "b")), Verdict::Unknown));
    }
}
