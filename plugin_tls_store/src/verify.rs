//! Whether two copies of an item are the same type.
//!
//! What speaks against sharing counts more than what speaks for it, whichever copy it comes from:
//!
//! 1. Kind, size, alignment, needs-drop, size of the `Option` of the type differ → refused.
//! 2. The layouts of two copies can be compared and differ, or the shapes of two copies of one compiler → refused, with the
//!    difference.
//! 3. Values of the type rely on statics of a crate that the binaries do not share → refused, unless the host vouches for
//!    the types: see `hidden_state`.
//! 4. The binary has several items that are written alike, and the builds of its crate are not equal → refused, unless the
//!    host vouches for the types.
//! 5. Proven, by another copy that is itself proven, if
//!    - both have layouts that are compatible in both directions (the only proof across compilers), or
//!    - the same compiler built both, the types have the same name, and
//!      - the crates that declare the item have equal builds, or
//!      - the type is made of std's types alone and the `TypeId`s are equal, or
//!      - both types have a shape, these are equal, and what they do not describe is proven in one of the ways above.
//! 6. Anything else → refused, with what could not be proven, unless the host accepts it.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::iter;
use std::ptr;

use plugin_tls_abi::table::{KIND_THREAD_LOCAL, LayoutScheme, OK};
use plugin_tls_abi::text::Sink;

use crate::mismatch::{Mismatch, MismatchField, SAME_CRATE};
use crate::offered::{Difference, Offered, ReliedOn, in_words};
use crate::proof::SharingProof;
use crate::records::{Facts, ItemCopy, Trust};
use crate::shape::{self, Comparison, UnprovenLeaf};
use crate::std_types::is_of_std;

/// Verifies a new copy of an item that has other `copies`.
///
/// # Errors
///
/// Everything that differs from `reference`, which is the first of them to be asked, or the one reason that another copy
/// gives.
pub(crate) fn verify(
    offered: Offered<'_>,
    reference: &'static ItemCopy,
    copies: impl Iterator<Item = &'static ItemCopy>,
    compared: &mut Compared,
) -> Result<SharingProof, Vec<Mismatch>> {
    let mut differing: Vec<_> = basics(&reference.facts)
        .into_iter()
        .zip(basics(offered.facts))
        .filter(|(known, offered)| known != offered)
        .map(|((field, known), (_, value))| {
            offered.mismatch(reference, field, [in_words(field, known), in_words(field, value)], SAME_CRATE)
        })
        .collect();
    // It follows from the others, and says something new only where they are equal.
    if differing.len() > 1 {
        differing.retain(|mismatch| mismatch.field != MismatchField::OptionSize);
    }
    if !differing.is_empty() {
        return Err(differing);
    }
    if offered.binary.trust < Trust::Types {
        let is_split = |relied_on: &&ReliedOn| !(offered.shares_statics)(relied_on.state.krate, reference.binary);
        if let Some(relied_on) = offered.relied_on.iter().find(is_split) {
            return Err(vec![offered.relies(reference, relied_on)]);
        }
    }
    let others = copies.filter(|copy| !ptr::eq(*copy, reference));
    let (mut proof, mut proof_on_trust, mut doubt) = (None, None, None);
    let (mut equal_builds, mut all_on_trust) = (true, true);
    for copy in iter::once(reference).chain(others) {
        let verdict = offered.judge(copy, compared);
        equal_builds &= matches!(verdict, Verdict::Same(SharingProof::Build));
        match verdict {
            Verdict::Same(by) if copy.is_on_trust() => proof_on_trust = proof_on_trust.or(Some(by)),
            Verdict::Same(by) => proof = proof.or(Some(by)),
            Verdict::Unproven(parts) => doubt = doubt.or(Some((copy, parts))),
            Verdict::Different(difference) => return Err(vec![offered.different(copy, difference)]),
        }
        all_on_trust &= copy.is_on_trust();
    }
    // A copy that was accepted on trust proves nothing, unless those that it was compared with are gone.
    let proof = proof.or(proof_on_trust.filter(|_| all_on_trust));
    if offered.written_alike && !equal_builds && offered.binary.trust < Trust::Types {
        return Err(vec![offered.ambiguous(reference)]);
    }
    let same_name = offered.same_compiler(reference) && offered.same_name(reference);
    match (proof, offered.binary.trust) {
        (Some(proof), _) => Ok(proof),
        (None, Trust::Types) => Ok(SharingProof::Trusted),
        (None, Trust::SameNames) if same_name => Ok(SharingProof::SameName),
        (None, _) => {
            let (copy, parts) = doubt.unwrap_or((reference, Vec::new()));
            Err(vec![offered.unproven(copy, &parts)])
        }
    }
}

/// What one copy says of another.
#[derive(Debug)]
enum Verdict {
    Same(SharingProof),
    /// They are known to differ. No trust overrules that.
    Different(Difference),
    /// They may be the same. The parts of the type that nothing proves equal, if it has a shape.
    Unproven(Vec<UnprovenLeaf>),
}

impl Offered<'_> {
    /// Rules 2 and 5 against one copy.
    fn judge(&self, known: &ItemCopy, compared: &mut Compared) -> Verdict {
        let facts = self.facts;
        let same_compiler = self.same_compiler(known);
        let comparable = same_compiler && self.same_name(known);
        // Cheapest first: equal builds have equal layouts.
        if comparable && facts.build.is_some() && facts.build == known.facts.build {
            return Verdict::Same(SharingProof::Build);
        }
        if let Some(scheme) = common_scheme(&known.facts, facts) {
            let layouts = (known.facts.layout, facts.layout);
            // SAFETY: both layouts are of this scheme.
            let outcome =
                compared.layouts.entry(layouts).or_insert_with(|| unsafe { compare_layouts(scheme, layouts) });
            match outcome {
                Err(difference) => return Verdict::Different(Difference::Layout(difference.clone())),
                Ok(()) if scheme.same_compiler == 0 || comparable => return Verdict::Same(SharingProof::Layout),
                Ok(()) => {}
            }
        }
        let may_be_of_std = !facts.std_is_ambiguous && !known.facts.std_is_ambiguous;
        if comparable && facts.type_id == known.facts.type_id && may_be_of_std && is_of_std(facts.type_name) {
            return Verdict::Same(SharingProof::Std);
        }
        let (Some(known_shape), Some(offered_shape)) = (known.facts.shape, facts.shape) else {
            return Verdict::Unproven(Vec::new());
        };
        if !same_compiler {
            return Verdict::Unproven(Vec::new());
        }
        let shapes = (known_shape as usize, offered_shape as usize, may_be_of_std);
        let comparison = compared.shapes.entry(shapes).or_insert_with(|| {
            shape::compare(&known.facts.shape(), &facts.shape(), &mut |known, offered| {
                let same_build = !known.build.is_empty() && known.build == offered.build;
                let of_std = known.type_id == offered.type_id && may_be_of_std && is_of_std(known.type_name);
                same_build || of_std
            })
        });
        match comparison {
            Comparison::Same if comparable => Verdict::Same(SharingProof::Shape),
            Comparison::Same | Comparison::Unreadable => Verdict::Unproven(Vec::new()),
            Comparison::Unproven(parts) => Verdict::Unproven(parts.clone()),
            Comparison::Different { path, known, offered } => Verdict::Different(Difference::Shape {
                path: path.clone(),
                known: known.clone(),
                offered: offered.clone(),
            }),
        }
    }
}

/// What must be equal first, as numbers. Only what differs is put into words.
fn basics(facts: &Facts) -> [(MismatchField, usize); 5] {
    [
        (MismatchField::Kind, usize::from(facts.kind == KIND_THREAD_LOCAL)),
        (MismatchField::Size, facts.size),
        (MismatchField::Align, facts.align),
        (MismatchField::NeedsDrop, usize::from(facts.needs_drop)),
        (MismatchField::OptionSize, facts.option_size),
    ]
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

/// Layouts and shapes that have been compared while a binary is registered: many items have few types.
#[derive(Default, Debug)]
pub(crate) struct Compared {
    layouts: BTreeMap<Layouts, Result<(), String>>,
    /// By the functions that describe the shapes, and whether types that look like std's are.
    shapes: BTreeMap<(usize, usize, bool), Comparison>,
}

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
    use plugin_tls_abi::identity::{Fingerprint, Identity};
    use plugin_tls_abi::table::{REJECTED, Status};
    use plugin_tls_abi::text::Str;

    use super::*;
    use crate::records::{Binary, Link, NewBinary, Record};

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

    fn binary(name: &str, compiler: &str) -> &'static Binary {
        let new = NewBinary { name: name.to_owned(), compiler: compiler.to_owned(), ..NewBinary::default() };
        Box::leak(Box::new(Binary::new(new)))
    }

    fn facts(type_id: u8, type_name: &'static str) -> Facts {
        Facts {
            kind: KIND_THREAD_LOCAL,
            size: 4,
            align: 4,
            option_size: 8,
            needs_drop: false,
            std_is_ambiguous: false,
            number: 0,
            build: None,
            type_id: [type_id; 16],
            type_name,
            layout: ptr::null(),
            scheme: ptr::null(),
            shape: None,
            site: "",
        }
    }

    fn with_layout(facts: Facts, layout: usize) -> Facts {
        Facts { layout: ptr::without_provenance(layout), scheme: &raw const NUMBERS, ..facts }
    }

    fn with_build(facts: Facts, build: u8) -> Facts {
        Facts { build: Fingerprint::parse(&format!("{build:032x}")), ..facts }
    }

    /// A copy that was accepted.
    fn copy(binary: &'static Binary, facts: Facts, proof: Option<SharingProof>) -> &'static ItemCopy {
        let record = Box::leak(Box::new(Record::new(Identity::default(), KIND_THREAD_LOCAL)));
        Box::leak(Box::new(ItemCopy {
            record,
            binary,
            drop: None,
            item: ptr::null(),
            facts,
            proof,
            word: ptr::null(),
            next: Link::default(),
        }))
    }

    /// What becomes of a copy of a plugin with these facts.
    fn outcome(
        copies: &[&'static ItemCopy],
        offered: &Facts,
        trust: Trust,
    ) -> Result<SharingProof, (MismatchField, String)> {
        let new = NewBinary { name: "p.so".to_owned(), compiler: "rustc 1".to_owned(), trust, ..NewBinary::default() };
        let offered = Offered {
            identity: &Identity::default(),
            binary: &Binary::new(new),
            facts: offered,
            written_alike: false,
            relied_on: &[],
            shares_statics: &|_, _| false,
        };
        let outcome = verify(offered, copies[0], copies.iter().copied(), &mut Compared::default());
        outcome.map_err(|mismatches| (mismatches[0].field, mismatches[0].detail.clone().unwrap_or_default()))
    }

    /// The same beside one copy of the host.
    fn beside(known: Facts, offered: &Facts) -> Result<SharingProof, MismatchField> {
        let copies = [copy(binary("host", "rustc 1"), known, None)];
        outcome(&copies, offered, Trust::Nothing).map_err(|(field, _)| field)
    }

    #[test]
    fn layouts_that_differ_refuse_whatever_else_is_equal() {
        for (known, offered) in [(1, 2), (2, 1)] {
            let (known, offered) = (with_layout(facts(1, "u8"), known), with_layout(facts(1, "u8"), offered));
            let copies = [copy(binary("host", "rustc 1"), known, None)];
            for trust in [Trust::Nothing, Trust::SameNames, Trust::Types] {
                let refused = Err((MismatchField::Type, "the first is less".to_owned()));
                assert_eq!(outcome(&copies, &offered, trust), refused, "{trust:?}");
            }
        }
    }

    #[test]
    fn each_proof_accepts() {
        assert_eq!(beside(with_layout(facts(1, "a"), 5), &with_layout(facts(2, "b"), 5)), Ok(SharingProof::Layout));
        assert_eq!(beside(with_build(facts(1, "a::A"), 7), &with_build(facts(2, "a::A"), 7)), Ok(SharingProof::Build));
        assert_eq!(beside(facts(1, "alloc::vec::Vec<u8>"), &facts(1, "alloc::vec::Vec<u8>")), Ok(SharingProof::Std));
    }

    #[test]
    fn nothing_else_is_a_proof() {
        let unproven = Err(MismatchField::Unproven);
        assert_eq!(beside(facts(1, "a::A"), &facts(1, "a::A")), unproven, "a `TypeId` does not cover the fields");
        assert_eq!(beside(with_build(facts(1, "a::A"), 7), &with_build(facts(1, "a::A"), 8)), unproven);
        assert_eq!(beside(with_build(facts(1, "a::A"), 7), &facts(1, "a::A")), unproven);
        assert_eq!(beside(facts(1, "u8"), &facts(2, "u8")), unproven);
        let ambiguous = Facts { std_is_ambiguous: true, ..facts(1, "alloc::A") };
        assert_eq!(beside(facts(1, "alloc::A"), &ambiguous), unproven);
        assert_eq!(beside(with_build(facts(1, "a::A"), 7), &with_build(facts(1, "a::B"), 7)), Err(MismatchField::Type));
        let other = copy(binary("host", "rustc 2"), with_build(facts(1, "u8"), 7), None);
        let refused = outcome(&[other], &with_build(facts(1, "u8"), 7), Trust::SameNames).unwrap_err();
        assert_eq!(refused.0, MismatchField::Unproven, "the compilers differ");
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
        let other = Facts { scheme: &raw const OTHERS, ..with_layout(facts(1, "a::A"), 7) };
        assert_eq!(beside(with_layout(facts(1, "a::A"), 5), &other), Err(MismatchField::Unproven));
    }

    #[test]
    fn one_copy_that_differs_refuses_although_others_prove() {
        let host = copy(binary("host", "rustc 1"), with_build(facts(1, "a::A"), 7), None);
        let plugin = copy(binary("other.so", "rustc 1"), with_layout(facts(1, "a::A"), 2), Some(SharingProof::Trusted));
        let offered = with_layout(with_build(facts(1, "a::A"), 7), 1);
        let refused = outcome(&[host, plugin], &offered, Trust::Nothing).unwrap_err();
        assert_eq!(refused, (MismatchField::Type, "the first is less".to_owned()));
    }

    #[test]
    fn a_copy_that_was_accepted_on_trust_proves_nothing() {
        let host = copy(binary("host", "rustc 1"), with_build(facts(1, "a::A"), 7), None);
        let edited = || with_build(facts(1, "a::A"), 8);
        let plugin = copy(binary("other.so", "rustc 1"), edited(), Some(SharingProof::SameName));
        let of = |trust| outcome(&[host, plugin], &edited(), trust).map_err(|(field, _)| field);
        assert_eq!(of(Trust::Nothing), Err(MismatchField::Unproven));
        assert_eq!(of(Trust::SameNames), Ok(SharingProof::SameName));
        assert_eq!(of(Trust::Types), Ok(SharingProof::Trusted));
        let alone = outcome(&[plugin], &edited(), Trust::Nothing).map_err(|(field, _)| field);
        assert_eq!(alone, Ok(SharingProof::Build), "there is no other type any more");
        let proven = copy(binary("third.so", "rustc 1"), with_build(facts(1, "a::A"), 7), Some(SharingProof::Build));
        let outcome = outcome(&[plugin, proven], &edited(), Trust::Nothing).map_err(|(field, _)| field);
        assert_eq!(outcome, Err(MismatchField::Unproven), "the first copy is gone, and one that it has proven is not");
    }

    #[test]
    fn trust_has_limits() {
        let host = || copy(binary("host", "rustc 1"), facts(1, "a::A"), None);
        let moved = facts(2, "a::b::A");
        assert_eq!(outcome(&[host()], &moved, Trust::SameNames).unwrap_err().0, MismatchField::Type);
        assert_eq!(outcome(&[host()], &moved, Trust::Types), Ok(SharingProof::Trusted));
        let larger = Facts { size: 8, ..facts(1, "a::A") };
        assert_eq!(outcome(&[host()], &larger, Trust::Types).unwrap_err().0, MismatchField::Size);
    }
}
