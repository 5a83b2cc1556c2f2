//! What is known of the build of the crate that is being compiled: if two builds agree in it, their types are the same.
//!
//! The record is a text with a line for each part, so that a report can say what differs:
//!
//! | line | what it says |
//! |---|---|
//! | `package NAME VERSION` | the package |
//! | `edition E`, `target T` | as the compiler was told |
//! | `feature F`, `cfg C` | a feature of the package; another `--cfg` |
//! | `setting S` | an option of `-C` that code can see, or any of `-Z` |
//! | `setting $V=VALUE` | a variable of the environment that the sources read |
//! | `source FILE HASH` | a source file, or another file that the sources name: see `sources` |
//! | `crate NAME HASH` | a crate that this one depends on: see `crate_hash` |
//!
//! Left out is what changes no type: comments, documentation that no procedural macro can read, where outputs go, debug
//! information, optimization, and the crates of this project, which have a contract of their own. The compiler is left out
//! too, because a binary states it once for all of its crates.
//!
//! The fingerprint is a hash of the text. Where anything is not known there is no record.

#![forbid(unsafe_code)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use xxhash_rust::xxh3::xxh3_128;

use crate::compilation::{Compilation, Extern, crate_name};
use crate::crate_hash;
use crate::source_text::SourceText;
use crate::sources::Sources;

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BuildRecord {
    pub(crate) fingerprint: String,
    pub(crate) text: String,
}

/// The record of the crate that is being compiled. It is made once.
pub(crate) fn current() -> Option<&'static BuildRecord> {
    static CURRENT: OnceLock<Option<BuildRecord>> = OnceLock::new();
    CURRENT.get_or_init(|| BuildRecord::of(Compilation::current(), |name| std::env::var(name).ok())).as_ref()
}

/// Whether a type whose name starts with `core::`, `alloc::` or `std::` may be of another crate of that name.
pub(crate) fn std_is_ambiguous() -> bool {
    static AMBIGUOUS: OnceLock<bool> = OnceLock::new();
    *AMBIGUOUS.get_or_init(|| is_std_ambiguous(Compilation::current()))
}

/// The crates of this project: the binary contract holds across their builds.
const OWN_CRATES: &[&str] = &[
    "plugin_tls",
    "plugin_tls_abi",
    "plugin_tls_abi_stable",
    "plugin_tls_core",
    "plugin_tls_macros",
    "plugin_tls_store",
];
/// Crates that the compiler finds without a path: those of the standard distribution. The compiler stands for them.
const STANDARD_CRATES: &[&str] = &["std", "core", "alloc", "proc_macro", "test"];
/// Crates whose names are the start of the names of the standard library's types.
const STD: &[&str] = &["core", "alloc", "std"];
/// The options of `-C`, besides those with a default, that code can see.
const SETTINGS: &[&str] = &["panic", "target-cpu", "target-feature"];

/// Variables that say where the sources are. Their files count, and not the places.
const FOLDERS: [&str; 2] = ["OUT_DIR", "CARGO_MANIFEST_DIR"];

impl BuildRecord {
    /// The record of a crate that is compiled like this. `variable` returns variables of the environment.
    fn of(compilation: &Compilation, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let folders = FOLDERS.map(&variable);
        let [out_dir, manifest_dir] = folders.each_ref().map(|folder| folder.as_deref().map(Path::new));
        let sources = Sources::read(compilation.root.as_deref()?, out_dir, manifest_dir)?;
        let is_known = |name: &str| {
            name == "self"
                || STANDARD_CRATES.contains(&name)
                || compilation.externs.iter().any(|each| each.name == name)
        };
        if compilation.searches_for_crates && !sources.extern_crates().all(is_known) {
            return None;
        }

        let package = [variable("CARGO_PKG_NAME")?, variable("CARGO_PKG_VERSION")?].join(" ");
        let mut lines = vec![
            format!("package {package}"),
            format!("edition {}", compilation.edition),
            format!("target {}", compilation.target),
        ];
        lines.extend(settings(compilation).into_iter().map(|setting| format!("setting {setting}")));
        // The compiler sets it for a crate's own tests.
        lines.extend(compilation.test.then(|| "cfg test".to_owned()));
        lines.extend(compilation.cfgs.iter().map(|cfg| {
            let feature = cfg.strip_prefix("feature=\"").and_then(|feature| feature.strip_suffix('"'));
            feature.map_or_else(|| format!("cfg {cfg}"), |feature| format!("feature {feature}"))
        }));
        let read = sources.variables.iter().filter(|name| !FOLDERS.contains(&name.as_str()));
        lines.extend(read.filter_map(|name| Some(format!("setting ${name}={}", in_a_line(variable(name)?)))));
        for each in &compilation.externs {
            lines.extend(crate_line(each)?);
        }
        lines[3..].sort();
        // Only a procedural macro can make a type depend on documentation.
        let with_docs = compilation.externs.iter().any(|each| !is_own(each) && each.is_dynamic());
        let source = |(name, text)| format!("source {name} {:032x}", source_hash(text, with_docs));
        lines.extend(sources.files.iter().map(source));
        lines.extend(sources.data.iter().map(|(name, hash)| format!("source {name} {hash:032x}")));
        let text = lines.join("\n");
        Some(BuildRecord { fingerprint: format!("{:032x}", xxh3_128(text.as_bytes())), text })
    }
}

/// The value of a variable, as part of a line.
fn in_a_line(value: String) -> String {
    if value.contains(char::is_control) { format!("{:032x}", xxh3_128(value.as_bytes())) } else { value }
}

/// The options that code can see, those included that follow from the optimization.
fn settings(compilation: &Compilation) -> Vec<String> {
    let is_on = |name: &str, default: bool| match compilation.codegen_option(name) {
        None => default,
        Some(value) => matches!(value, "" | "y" | "yes" | "on" | "true"),
    };
    let unoptimized = matches!(compilation.codegen_option("opt-level"), None | Some("0"));
    let debug_assertions = is_on("debug-assertions", unoptimized);
    let overflow_checks = is_on("overflow-checks", debug_assertions);
    let in_words = |on: bool| if on { "on" } else { "off" };
    let mut settings = vec![
        format!("debug-assertions={}", in_words(debug_assertions)),
        format!("overflow-checks={}", in_words(overflow_checks)),
    ];
    let value = |name: &&str| compilation.codegen_option(name).map(|value| format!("{name}={value}"));
    settings.extend(SETTINGS.iter().filter_map(value));
    settings.extend(compilation.unstable.iter().map(|option| format!("-Z{option}")));
    settings
}

/// Whether it is a crate of this project.
fn is_own(each: &Extern) -> bool {
    each.crate_name().is_some_and(|name| OWN_CRATES.contains(&name))
}

/// The line of a crate that the compiled one depends on. There is none for a crate of this project. The outer `None` means
/// that the crate's hash is not known.
fn crate_line(each: &Extern) -> Option<Option<String>> {
    let name = &each.name;
    let Some(path) = &each.path else {
        return STANDARD_CRATES.contains(&name.as_str()).then(|| Some(format!("crate {name}")));
    };
    if is_own(each) {
        return Some(None);
    }
    let hash = u128::from_be_bytes(crate_hash::of(path)?);
    Some(Some(format!("crate {name} {hash:032x}")))
}

fn source_hash(text: &SourceText, with_docs: bool) -> u128 {
    let mut whole = String::new();
    let docs = Some(&text.docs).filter(|_| with_docs);
    for part in [&text.code].into_iter().chain(docs).chain(&text.literals) {
        // Each part behind its length, so that no two lists of parts give the same text.
        write!(whole, "{}:{part}", part.len()).expect("a `String` can be written");
    }
    xxh3_128(whole.as_bytes())
}

fn is_std_ambiguous(compilation: &Compilation) -> bool {
    let in_folder = |folder: &Path| {
        let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.any(|entry| STD.contains(&crate_name(Path::new(&entry.file_name()))))
    };
    compilation.externs.iter().any(|each| each.path.as_deref().is_some_and(|path| STD.contains(&crate_name(path))))
        || compilation.folders.iter().any(|folder| in_folder(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(arguments: &[&str]) -> Option<BuildRecord> {
        let variable = |name: &str| (!FOLDERS.contains(&name)).then(|| "api".to_owned());
        let own_root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs");
        BuildRecord::of(&Compilation::of(&[&[own_root], arguments].concat()), variable)
    }

    fn lines(arguments: &[&str], kind: &str) -> Vec<String> {
        let record = record(arguments).expect("everything is known");
        record.text.lines().filter(|line| line.starts_with(kind)).map(str::to_owned).collect()
    }

    #[test]
    fn what_code_can_see_is_in_the_record() {
        let arguments = &["--cfg", "feature=\"wide\"", "--cfg=docsrs", "-Cpanic=abort", "-Zx=1", "--edition=2021"];
        assert_eq!(lines(arguments, "package"), ["package api api"]);
        assert_eq!(lines(arguments, "edition"), ["edition 2021"]);
        assert_eq!(lines(arguments, "feature"), ["feature wide"]);
        assert_eq!(lines(arguments, "cfg"), ["cfg docsrs"]);
        // This crate's sources read the variable, here, and `record` says another value.
        assert_eq!(env!("CARGO_PKG_NAME"), "plugin_tls_macros");
        let settings = ["$CARGO_PKG_NAME=api", "-Zx=1", "debug-assertions=on", "overflow-checks=on", "panic=abort"];
        assert_eq!(lines(arguments, "setting"), settings.map(|setting| format!("setting {setting}")));
        let optimized = lines(&["-Copt-level=3"], "setting");
        assert_eq!(optimized[1..], ["setting debug-assertions=off", "setting overflow-checks=off"]);
        assert!(lines(&[], "source").iter().any(|line| line.starts_with("source build_record.rs ")));
    }

    #[test]
    fn only_what_types_depend_on_changes_the_fingerprint() {
        let fingerprint = |arguments: &[&str]| record(arguments).map(|record| record.fingerprint);
        let plain = fingerprint(&[]);
        assert!(plain.is_some());
        for same in [
            &["-Cmetadata=1", "-Cextra-filename=-1", "-Cdebuginfo=2", "--out-dir", "x", "-Cincremental=y"][..],
            &["-Cdebug-assertions=yes", "-L", "dependency=/none"],
            &["--extern", "plugin_tls_core=/none/libplugin_tls_core-12.rmeta"],
            &["--extern", "renamed=/none/libplugin_tls-12.rmeta"],
        ] {
            assert_eq!(fingerprint(same), plain, "{same:?}");
        }
        for other in
            [&["--cfg=a"][..], &["-Cdebug-assertions=off"], &["-Ctarget-cpu=native"], &["--edition=2018"], &["--test"]]
        {
            assert_ne!(fingerprint(other), plain, "{other:?}");
            assert!(fingerprint(other).is_some(), "{other:?}");
        }
    }

    #[test]
    fn documentation_counts_where_a_macro_may_read_it() {
        let [one, other] = ["/// One.\nstruct A;", "/// Two.\nstruct A;"].map(SourceText::of);
        assert_eq!(source_hash(&one, false), source_hash(&other, false));
        assert_ne!(source_hash(&one, true), source_hash(&other, true));
    }

    #[test]
    fn nothing_is_stated_where_anything_is_unknown() {
        for unknown in [
            &["--extern", "serde"][..],
            &["--extern", "serde=/none/libserde-1.rmeta"],
            &["--extern", "plugin_tls_own=/none/libplugin_tls_own-1.rmeta"],
        ] {
            assert_eq!(record(unknown), None, "{unknown:?}");
        }
        assert_eq!(BuildRecord::of(&Compilation::of(&["-", "--crate-type", "bin"]), |_| Some(String::new())), None);
    }

    #[test]
    fn another_crate_with_a_name_of_std_is_seen() {
        let ambiguous = |arguments: &[&str]| is_std_ambiguous(&Compilation::of(arguments));
        assert!(!ambiguous(&["--extern", "alloc", "--extern", "x=/deps/liballoc_two-1.rmeta"]));
        assert!(ambiguous(&["--extern", "x=/deps/liballoc-1.rmeta"]));
    }
}
