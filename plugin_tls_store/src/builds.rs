//! How two builds of a crate differ, in words.
//!
//! The macros describe a build with a line for each part, a kind and a value: see `build_record` in `plugin_tls_macros`.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

/// More differences than these are counted only.
const MOST: usize = 6;

/// The kinds of lines that a build has once.
const SINGLE: &[&str] = &["package", "edition", "target"];

/// The order in which differences are told: what a user decides comes first, and what follows from it comes last.
const ORDER: &[&str] = &["package", "feature", "cfg", "setting", "edition", "target", "source", "crate"];

/// How the build `offered`, in the binary `offered_in`, differs from `known`. Empty if one of them is not known.
///
/// ```
/// use plugin_tls_store::builds::differences;
///
/// let told = differences("package api 0.3.1\nfeature wide", "host", "package api 0.3.1", "greeter.so");
/// assert_eq!(told, ["built with feature \"wide\" in host, without in greeter.so"]);
/// ```
pub fn differences(known: &str, known_in: &str, offered: &str, offered_in: &str) -> Vec<String> {
    if known.is_empty() || offered.is_empty() {
        return Vec::new();
    }
    let (known, offered) = (parts(known), parts(offered));
    let parts: BTreeSet<_> = known.keys().chain(offered.keys()).collect();
    let mut differing: Vec<_> = parts.into_iter().filter(|part| known.get(part) != offered.get(part)).collect();
    let rank = |kind: &str| ORDER.iter().position(|other| *other == kind);
    differing.sort_by_key(|(kind, _)| rank(kind).unwrap_or(ORDER.len()));
    let in_words = |part: &(&str, &str)| {
        difference(*part, known.get(part).copied(), offered.get(part).copied(), known_in, offered_in)
    };
    let mut differences: Vec<_> = differing.into_iter().map(in_words).collect();
    if differences.len() > MOST {
        let more = differences.len() - MOST;
        differences.truncate(MOST);
        differences.push(format!("{more} more differences"));
    }
    differences
}

/// The crates that two builds depend on and of which they have different builds.
pub(crate) fn differing_crates<'a>(known: &'a str, offered: &str) -> Vec<&'a str> {
    let offered = parts(offered);
    let differs = |(kind, name): &(&str, &str), value: &str| {
        *kind == "crate" && offered.get(&(*kind, *name)).is_some_and(|other| *other != value)
    };
    parts(known).into_iter().filter(|(part, value)| differs(part, value)).map(|((_, name), _)| name).collect()
}

/// What a build says of each part: `("feature", "std")`, `("source", "lib.rs")` with its hash, `("setting", "panic")` with
/// its value.
fn parts(build: &str) -> BTreeMap<(&str, &str), &str> {
    let part = |line| -> Option<((&str, &str), &str)> {
        let (kind, value) = str::split_once(line, ' ')?;
        Some(match kind {
            kind if SINGLE.contains(&kind) => ((kind, ""), value),
            "source" | "crate" => {
                let (name, hash) = value.rsplit_once(' ').unwrap_or((value, ""));
                ((kind, name), hash)
            }
            "setting" => {
                let (name, value) = value.split_once('=').unwrap_or((value, ""));
                ((kind, name), value)
            }
            _ => ((kind, value), ""),
        })
    };
    build.lines().filter_map(part).collect()
}

fn difference(
    (kind, name): (&str, &str),
    known: Option<&str>,
    offered: Option<&str>,
    known_in: &str,
    offered_in: &str,
) -> String {
    let sides = [(known, known_in), (offered, offered_in)];
    let values = |what: &str| {
        let value = |(value, binary): (Option<&str>, &str)| match value {
            Some("") => format!("not set in {binary}"),
            Some(value) => format!("{value} in {binary}"),
            None => format!("not set in {binary}"),
        };
        format!("{what} {}", sides.map(value).join(", "))
    };
    let present = |what: &str| match known {
        Some(_) => format!("{what} in {known_in}, without in {offered_in}"),
        None => format!("{what} in {offered_in}, without in {known_in}"),
    };
    match kind {
        "package" => values("package"),
        "edition" => values("edition"),
        "target" => values("target"),
        "feature" => present(&format!("built with feature \"{name}\"")),
        "cfg" => present(&format!("built with `--cfg {name}`")),
        "setting" => values(&format!("built with {name}")),
        "source" if known.is_some() && offered.is_some() => format!("the source file {name} differs"),
        "source" => present(&format!("built with a source file {name}")),
        "crate" if known.is_some() && offered.is_some() => {
            format!("its dependency {name} differs: in version, features, settings, sources or dependencies")
        }
        "crate" => present(&format!("built with the dependency {name}")),
        kind => present(&format!("built with {kind} {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: &str = "package api 0.3.1\nedition 2024\ntarget \ncrate serde 11\ncrate sha2 55\nfeature wide\n\
                         setting debug-assertions=on\nsetting panic=abort\nsource lib.rs 22\nsource a/b.rs 33";

    #[test]
    fn each_difference_is_told() {
        assert_eq!(differences(BUILD, "host", BUILD, "p.so"), [""; 0]);
        let other = BUILD
            .replace("0.3.1", "0.3.2")
            .replace("serde 11", "serde 12")
            .replace("wide", "std")
            .replace("=on", "=off")
            .replace("lib.rs 22", "lib.rs 23");
        let differences = differences(BUILD, "host", &other, "p.so");
        assert_eq!(
            differences,
            [
                "package api 0.3.1 in host, api 0.3.2 in p.so",
                "built with feature \"std\" in p.so, without in host",
                "built with feature \"wide\" in host, without in p.so",
                "built with debug-assertions on in host, off in p.so",
                "the source file lib.rs differs",
                "its dependency serde differs: in version, features, settings, sources or dependencies",
            ]
        );
        assert_eq!(differing_crates(BUILD, &other), ["serde"]);
    }

    #[test]
    fn what_one_side_lacks_is_told() {
        let less = BUILD.replace("setting panic=abort\n", "").replace("\nsource a/b.rs 33", "");
        let told = differences(BUILD, "host", &less, "p.so");
        assert_eq!(
            told,
            [
                "built with panic abort in host, not set in p.so",
                "built with a source file a/b.rs in host, without in p.so"
            ]
        );
        assert_eq!(differences(BUILD, "host", "", "p.so"), [""; 0], "nothing is known of one side");
    }

    #[test]
    fn many_differences_are_counted() {
        let files: String = (0..20).map(|number| format!("\nsource {number}.rs 1")).collect();
        let told = differences(BUILD, "host", &format!("{BUILD}{files}"), "p.so");
        assert_eq!((told.len(), told[MOST].as_str()), (MOST + 1, "14 more differences"));
    }
}
