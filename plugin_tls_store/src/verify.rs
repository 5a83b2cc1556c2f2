//! Whether two copies of an item are the same type.
//!
//! 1. Kind, size, alignment, needs-drop: differ → rejected.
//! 2. Both sides have a layout in the same scheme → the layouts decide, compared in both directions.
//! 3. `TypeId` equal → accepted.
//! 4. Same compiler, same type name → accepted, as *unproven*.
//! 5. Anything else → rejected, unless the host trusts the plugin.
//!
//! A new copy is accepted if any registered copy accepts it: acceptance is an equivalence, as far as it goes.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;

use plugin_tls_abi::identity::Identity;
use plugin_tls_abi::table::{KIND_THREAD_LOCAL, LayoutScheme, OK};
use plugin_tls_abi::text::Sink;

use crate::mismatch::{Mismatch, MismatchField, Side};
use crate::records::{Binary, Facts, ItemCopy, Proof};

/// Verifies a new copy of an item that has other `copies`.
///
/// # Errors
///
/// Everything that differs from `reference`, which is the first of them to be asked.
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
    let differing: Vec<_> = basics(known)
        .into_iter()
        .zip(basics(offered))
        .filter(|(known, offered)| known != offered)
        .map(|((field, known), (_, offered))| {
            mismatch(field, in_words(field, known), in_words(field, offered), None, SAME_CRATE)
        })
        .collect();
    if !differing.is_empty() {
        return Err(differing);
    }
    let others = copies.filter(|copy| !ptr::eq(*copy, reference));
    let mut verdicts = std::iter::once(reference).chain(others).map(|copy| {
        let same_compiler = !binary.compiler.is_empty() && copy.binary.compiler == binary.compiler;
        judge(&copy.facts, offered, same_compiler, compared)
    });
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

/// What must be equal first, as numbers. Only what differs is put into words.
fn basics(facts: &Facts) -> [(MismatchField, usize); 4] {
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
#[derive(Debug)]
enum Verdict {
    Same(Proof),
    /// The layouts differ, in the words of their scheme. No trust overrules that.
    Different(String),
    Unknown,
}

/// Rules 2 to 4 against one copy.
///
/// A `TypeId` tells a type by its path and its crate, not by its fields: the same crate built before and after an edit
/// has the same one. So where both sides have a layout, the layouts decide first.
fn judge(known: &Facts, offered: &Facts, same_compiler: bool, compared: &mut Compared) -> Verdict {
    let same_id = known.type_id == offered.type_id;
    if let Some(scheme) = common_scheme(known, offered) {
        let layouts = (known.layout, offered.layout);
        // SAFETY: both layouts are of this scheme.
        let outcome = compared.0.entry(layouts).or_insert_with(|| unsafe { compare_layouts(scheme, layouts) });
        match outcome {
            Err(difference) => return Verdict::Different(difference.clone()),
            // Layouts of a part of the type prove nothing about the rest.
            Ok(()) if scheme.same_compiler != 0 => {}
            Ok(()) if same_id => return Verdict::Same(Proof::SameTypeId),
            Ok(()) => return Verdict::Same(Proof::SameLayout),
        }
    }
    if same_id {
        Verdict::Same(Proof::SameTypeId)
    } else if same_compiler && known.type_name == offered.type_name {
        Verdict::Same(Proof::Unproven)
    } else {
        Verdict::Unknown
    }
}

/// The scheme of both types' layouts, if both have one and it is the same.
fn common_scheme(known: &Facts, offered: &Facts) -> Option<&'static LayoutScheme> {
    if known.layout.is_null() || offered.layout.is_null() {
        return None;
    }
    // SAFETY: a scheme is null or a static of its binary. The binary of `known` is registered, and that of `offered` is the
    // one that is being registered, so both are mapped.
    let (known, offered) = unsafe { (known.scheme.as_ref()?, offered.scheme.as_ref()?) };
    known.header.check::<LayoutScheme>().ok()?;
    offered.header.check::<LayoutScheme>().ok()?;
    // SAFETY: the names are constants of the same binaries.
    unsafe { known.name.get() == offered.name.get() }.then_some(known)
}

/// Layouts that have been compared while a binary is registered: many items have few types.
#[derive(Default, Debug)]
pub(crate) struct Compared(BTreeMap<Layouts, Result<(), String>>);

/// The layouts of two types.
type Layouts = (*const c_void, *const c_void);

/// Compares two layouts in both directions: compatibility is directed (an interface may know less than its
/// implementation), and a shared value is both.
///
/// # Safety
///
/// Both are layouts of `scheme`.
unsafe fn compare_layouts(scheme: &LayoutScheme, (known, offered): Layouts) -> Result<(), String> {
    let Some(compare) = scheme.compare else { return Err("the layouts cannot be compared".to_owned()) };
    for (first, second) in [(known, offered), (offered, known)] {
        let mut report = String::new();
        // SAFETY: the caller guarantees that both are layouts of this scheme, and `report` is not borrowed while the sink
        // is used.
        if unsafe { compare(first, second, &Sink::new(&mut report)) } != OK {
            return Err(report);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plugin_tls_abi::header::Header;
    use plugin_tls_abi::table::{REJECTED, Status};
    use plugin_tls_abi::text::Str;

    use super::*;

    /// Layouts that are numbers: they are compatible where the first is not less than the second.
    static NUMBERS: LayoutScheme = LayoutScheme {
        header: Header::of::<LayoutScheme>(),
        name: Str::new("numbers"),
        compare: Some(compare),
        same_compiler: 0,
        reserved: 0,
    };

    unsafe extern "C" fn compare(known: *const c_void, offered: *const c_void, report: *const Sink) -> Status {
        if known.addr() >= offered.addr() {
            return OK;
        }
        // SAFETY: `compare_layouts` passes a sink whose string is alive.
        unsafe { (*report).write("the first is less") };
        REJECTED
    }

    fn facts(type_id: u8, type_name: &'static str, layout: usize) -> Facts {
        Facts {
            kind: KIND_THREAD_LOCAL,
            size: 4,
            align: 4,
            needs_drop: false,
            type_id: [type_id; 16],
            type_name,
            layout: ptr::without_provenance(layout),
            scheme: if layout == 0 { ptr::null() } else { &raw const NUMBERS },
            site: "",
        }
    }

    fn verdict(known: Facts, offered: Facts) -> Verdict {
        judge(&known, &offered, true, &mut Compared::default())
    }

    #[test]
    fn an_equal_type_id_does_not_overrule_layouts_that_differ() {
        // A struct whose field types were edited keeps its `TypeId`.
        for (known, offered) in [(1, 2), (2, 1)] {
            let outcome = verdict(facts(1, "a", known), facts(1, "a", offered));
            assert!(matches!(&outcome, Verdict::Different(text) if text == "the first is less"), "{outcome:?}");
        }
    }

    #[test]
    fn equal_layouts_accept() {
        assert!(matches!(verdict(facts(1, "a", 5), facts(1, "b", 5)), Verdict::Same(Proof::SameTypeId)));
        assert!(matches!(verdict(facts(1, "a", 5), facts(2, "b", 5)), Verdict::Same(Proof::SameLayout)));
    }

    #[test]
    fn layouts_of_two_schemes_are_not_compared() {
        static OTHERS: LayoutScheme = LayoutScheme {
            header: Header::of::<LayoutScheme>(),
            name: Str::new("others"),
            compare: Some(compare),
            same_compiler: 0,
            reserved: 0,
        };
        let other = Facts { scheme: &raw const OTHERS, ..facts(1, "a", 7) };
        assert!(matches!(verdict(facts(1, "a", 5), other), Verdict::Same(Proof::SameTypeId)));
    }

    #[test]
    fn without_layouts_the_type_id_and_then_the_name_decide() {
        assert!(matches!(verdict(facts(1, "a", 0), facts(1, "b", 0)), Verdict::Same(Proof::SameTypeId)));
        assert!(matches!(verdict(facts(1, "a", 0), facts(2, "a", 0)), Verdict::Same(Proof::Unproven)));
        assert!(matches!(verdict(facts(1, "a", 0), facts(2, "b", 0)), Verdict::Unknown));
        let other_compiler = judge(&facts(1, "a", 0), &facts(2, "a", 0), false, &mut Compared::default());
        assert!(matches!(other_compiler, Verdict::Unknown));
    }
}
