//! Layouts of `abi_stable`, as `plugin_tls` compares them.

use std::ffi::c_void;
use std::panic::catch_unwind;
use std::ptr;

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::type_layout::TypeLayout;
use plugin_tls_abi::header::Header;
use plugin_tls_abi::table::{LayoutScheme, OK, REJECTED, Status};
use plugin_tls_abi::text::{Sink, Str};

/// Layouts of versions of `abi_stable` that share the definition of `TypeLayout`.
static SCHEME: LayoutScheme = scheme("abi_stable 0.11", 0);

/// The same layouts, of a type that is the argument of a type of std. What std makes of it is the compiler's business.
static SCHEME_IN_STD: LayoutScheme = scheme("abi_stable 0.11 in a type of std", 1);

const fn scheme(name: &'static str, same_compiler: u32) -> LayoutScheme {
    LayoutScheme {
        header: Header::of::<LayoutScheme>(),
        name: Str::new(name),
        compare: Some(compare),
        same_compiler,
        reserved: 0,
    }
}

/// The layout of `T` and its scheme.
pub(crate) fn of<T: StableAbi>() -> (*const c_void, *const LayoutScheme) {
    (ptr::from_ref(T::LAYOUT).cast(), &raw const SCHEME)
}

/// The layout of `T`, which is the argument of a type of std, and its scheme.
pub(crate) fn in_std<T: StableAbi>() -> (*const c_void, *const LayoutScheme) {
    (ptr::from_ref(T::LAYOUT).cast(), &raw const SCHEME_IN_STD)
}

/// See [`LayoutScheme::compare`].
///
/// # Safety
///
/// Both are layouts of [`SCHEME`] or [`SCHEME_IN_STD`], in binaries that are mapped, and `report` is a usable sink.
unsafe extern "C" fn compare(known: *const c_void, offered: *const c_void, report: *const Sink) -> Status {
    // SAFETY: the caller guarantees that both are `&'static TypeLayout`s of versions that share its definition.
    let (known, offered) = unsafe { (&*known.cast::<TypeLayout>(), &*offered.cast::<TypeLayout>()) };
    let outcome =
        catch_unwind(|| check_layout_compatibility(known, offered).map_err(|errors| summary(&errors.to_string())));
    let difference: String = match outcome {
        Ok(Ok(())) => return OK,
        Ok(Err(difference)) => difference,
        Err(_) => "abi_stable panicked while it compared the layouts".to_owned(),
    };
    // SAFETY: the caller guarantees that the sink is usable.
    unsafe { (*report).write(&difference) };
    REJECTED
}

/// The errors of a report. Each is preceded by the types that it is within, which the report shows whole.
fn summary(report: &str) -> String {
    const START: &str = "\nError:";
    let errors = report.split(START).skip(1).map(|error| {
        let next = error.find("error(s)inside").and_then(|at| error[..at].rfind('\n'));
        let end = error.find("\n\nLayout of").into_iter().chain(next).min();
        error[..end.unwrap_or(error.len())].trim_end()
    });
    let mut summary: Vec<String> = Vec::new();
    for error in errors {
        let error = format!("{}{}", &START[1..], error);
        if !summary.contains(&error) {
            summary.push(error);
        }
    }
    if summary.is_empty() { report.to_owned() } else { summary.join("\n") }
}

#[cfg(test)]
mod tests {
    use abi_stable::std_types::RVec;

    use super::*;

    /// What the comparison says of two types.
    fn compared<Known: StableAbi, Offered: StableAbi>() -> (Status, String) {
        let mut report = String::new();
        let sink = Sink::new(&mut report);
        // SAFETY: the layouts are of this scheme, and the sink's string is alive.
        let status = unsafe { compare(of::<Known>().0, of::<Offered>().0, &raw const sink) };
        (status, report)
    }

    #[test]
    fn a_type_is_compatible_with_itself() {
        assert_eq!(compared::<RVec<u32>, RVec<u32>>(), (OK, String::new()));
    }

    #[test]
    fn a_difference_is_described() {
        let (status, report) = compared::<RVec<u32>, RVec<f32>>();
        assert_eq!(status, REJECTED);
        assert_eq!(report, "Error:mismatched type\nExpected:\n    u32\nFound:\n    f32");
    }
}
