//! Whether two copies of an item are the same type.
//!
//! 1. Kind, size, alignment, needs-drop: differ → rejected.
//! 2. `TypeId` equal → accepted.
//! 3. Both sides have an `abi_stable` layout → the layouts decide, compared in both directions.
//! 4. Same compiler, same type name → accepted, as *unproven*.
//! 5. Anything else → rejected, unless the host chose to trust the plugin.
//!
//! A new copy is accepted if any registered copy accepts it: acceptance is an equivalence, as far as it goes.

#![cfg_attr(not(feature = "host"), allow(unreachable_pub, reason = "public in `host`, where there is one"))]

use std::fmt;

use super::registry::{Binary, Facts, ItemCopy, RegisteredItem};
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
/// use plugin_tls::host::{Mismatch, MismatchField};
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
    /// What to do about it.
    pub advice: String,
}

/// What differs between two declarations of an item.
///
/// ```
/// assert_eq!(plugin_tls::host::MismatchField::NeedsDrop.to_string(), "needs drop");
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
/// use plugin_tls::host::Side;
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
            MismatchField::Declaration => "declaration",
        })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "`{}`: {} differs", self.item, self.field)?;
        for side in [&self.known, &self.offered] {
            if !side.binary.is_empty() {
                writeln!(f, "  in {}: {} (declared at {})", side.binary, side.value, side.site)?;
            }
        }
        write!(f, "  {}", self.advice)
    }
}

/// All of `mismatches`, as one report.
pub(crate) fn report(mismatches: &[Mismatch]) -> String {
    mismatches.iter().map(Mismatch::to_string).collect::<Vec<_>>().join("\n")
}

/// Verifies a new copy of `item`: why it is accepted, or everything that differs from the copy that was there first.
pub(crate) fn verify(
    identity: &Identity<'_>,
    item: &RegisteredItem,
    binary: &Binary,
    offered: &Facts,
) -> Result<Proof, Vec<Mismatch>> {
    let Some(reference) = item.reference() else { return Ok(Proof::First) };
    let side = |copy_binary: &Binary, facts: &Facts, value: String| Side {
        binary: copy_binary.name.clone(),
        value,
        site: facts.site.clone(),
    };
    let mismatch = |field, known: String, value: String, advice: String| Mismatch {
        item: identity.to_string(),
        field,
        known: side(reference.binary, &reference.facts, known),
        offered: side(binary, offered, value),
        advice,
    };

    let known = &reference.facts;
    let differing: Vec<_> = shape(known)
        .into_iter()
        .zip(shape(offered))
        .filter(|(known, offered)| known.1 != offered.1)
        .map(|((field, known), (_, offered))| {
            let advice = "build both sides with the same version, features and settings of the crate that declares it";
            mismatch(field, known, offered, advice.to_owned())
        })
        .collect();
    if !differing.is_empty() {
        return Err(differing);
    }
    let mut obstacles = String::new();
    let accepted = std::iter::once(reference)
        .chain(item.copies.iter().copied())
        .find_map(|copy| accept(copy, binary, offered, &mut obstacles));
    if let Some(proof) = accepted {
        return Ok(proof);
    }
    if binary.trusted {
        return Ok(Proof::Trusted);
    }
    let advice = format!(
        "{obstacles}build both sides with the same compiler, or derive `StableAbi` for the type; if you know that they \
         are the same type, load the plugin with `Plugin::load_trusted`"
    );
    Err(vec![mismatch(MismatchField::Type, type_value(known, reference.binary), type_value(offered, binary), advice)])
}

/// What must be equal first.
fn shape(facts: &Facts) -> [(MismatchField, String); 4] {
    let kind = if facts.kind == KIND_THREAD_LOCAL { "thread-local" } else { "static" };
    [
        (MismatchField::Kind, kind.to_owned()),
        (MismatchField::Size, format!("{} bytes", facts.size)),
        (MismatchField::Align, format!("{} bytes", facts.align)),
        (MismatchField::NeedsDrop, if facts.needs_drop { "yes" } else { "no" }.to_owned()),
    ]
}

fn type_value(facts: &Facts, binary: &Binary) -> String {
    let compiler = binary.compiler.split(';').next().filter(|name| !name.is_empty()).unwrap_or("an unknown compiler");
    let layout = if facts.layout.is_null() { "without a stable layout" } else { "with a stable layout" };
    format!("{}, {layout}, by {compiler}", facts.type_name)
}

/// Rules 2 to 4 against one copy.
fn accept(copy: &ItemCopy, binary: &Binary, offered: &Facts, obstacles: &mut String) -> Option<Proof> {
    let known = &copy.facts;
    if known.type_id == offered.type_id {
        return Some(Proof::SameTypeId);
    }
    let layouts = !known.layout.is_null() && !offered.layout.is_null();
    if layouts && !binary.layouts.is_empty() && copy.binary.layouts == binary.layouts {
        return match compare_layouts(known, offered) {
            Ok(()) => Some(Proof::SameLayout),
            Err(difference) => {
                obstacles.push_str(&difference);
                obstacles.push('\n');
                None
            }
        };
    }
    let compilers = !binary.compiler.is_empty() && copy.binary.compiler == binary.compiler;
    (compilers && known.type_name == offered.type_name).then_some(Proof::Unproven)
}

#[cfg(feature = "abi_stable")]
fn compare_layouts(known: &Facts, offered: &Facts) -> Result<(), String> {
    use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
    use abi_stable::type_layout::TypeLayout;

    // SAFETY: both are `&'static TypeLayout`s of binaries that are mapped, made by versions of abi_stable that share the
    // definition of `TypeLayout`: the caller has compared them.
    let (known, offered) = unsafe { (&*known.layout.cast::<TypeLayout>(), &*offered.layout.cast::<TypeLayout>()) };
    // Compatibility is directed (an interface may know less than its implementation); a shared value is both.
    let both = || -> Result<(), String> {
        check_layout_compatibility(known, offered).map_err(|errors| errors.to_string())?;
        check_layout_compatibility(offered, known).map_err(|errors| errors.to_string())
    };
    std::panic::catch_unwind(both)
        .unwrap_or_else(|_| Err("abi_stable panicked while it compared the layouts".to_owned()))
}

#[cfg(not(feature = "abi_stable"))]
fn compare_layouts(_: &Facts, _: &Facts) -> Result<(), String> {
    Err("the host was built without `abi_stable`".to_owned())
}
