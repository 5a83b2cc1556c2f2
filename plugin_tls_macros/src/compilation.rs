//! What the compiler was told about the crate that it compiles.
//!
//! A procedural macro runs in the compiler's process, and reads the arguments of this process. In another process, such
//! as rust-analyzer's, there are no such arguments, and the crate counts as one without a type.

#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The arguments that the macros use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Compilation {
    /// The crate is compiled as a test harness, which is an executable.
    pub(crate) test: bool,
    crate_types: Vec<String>,
    /// The file of the crate's root module. `None` if it comes from standard input, or if no compiler runs.
    pub(crate) root: Option<PathBuf>,
    pub(crate) edition: String,
    /// Empty if the crate is compiled for the machine that compiles it.
    pub(crate) target: String,
    /// `feature="std"`.
    pub(crate) cfgs: Vec<String>,
    /// The values of `-C`: `panic=abort`.
    pub(crate) codegen: Vec<String>,
    /// The values of `-Z`.
    pub(crate) unstable: Vec<String>,
    pub(crate) externs: Vec<Extern>,
    /// The folders that the compiler searches for crates.
    pub(crate) folders: Vec<PathBuf>,
    /// The compiler finds crates there that are not among `externs`, and not only what these depend on.
    pub(crate) searches_for_crates: bool,
}

/// A crate that the compiled crate depends on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Extern {
    pub(crate) name: String,
    /// `None` if the compiler searches for it: a crate of the standard distribution, as a rule.
    pub(crate) path: Option<PathBuf>,
}

/// What a crate is compiled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// A cdylib and nothing else.
    Plugin,
    /// A cdylib, and a library that other crates may link as well.
    PluginAndLibrary,
    /// No cdylib.
    Other,
}

impl Compilation {
    /// The compilation of the crate whose macro is being expanded.
    pub(crate) fn current() -> &'static Self {
        static CURRENT: OnceLock<Compilation> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let mut arguments = std::env::args_os();
            let program = arguments.next().unwrap_or_default();
            let is_rustdoc = Path::new(&program).file_stem() == Some(OsStr::new("rustdoc"));
            let read = Self::read(arguments.flat_map(|argument| expanded(&argument.to_string_lossy())));
            // rustdoc compiles nothing that runs.
            if is_rustdoc { Self { root: None, ..read } } else { read }
        })
    }

    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self::default();
        while let Some(argument) = arguments.next() {
            let Some((flag, value)) = split(&argument, || arguments.next().unwrap_or_default()) else {
                match argument.as_str() {
                    "--test" => read.test = true,
                    "-O" => read.codegen.push("opt-level=3".to_owned()),
                    file if file.ends_with(".rs") => read.root = Some(PathBuf::from(file)),
                    _ => {}
                }
                continue;
            };
            match flag {
                "--crate-type" => read.crate_types.extend(value.split(',').map(str::to_owned)),
                "--edition" => read.edition = value,
                "--target" => read.target = value,
                "--cfg" => read.cfgs.push(value),
                "-C" | "--codegen" => read.codegen.push(value),
                "-Z" => read.unstable.push(value),
                "--extern" => read.externs.push(Extern::read(&value)),
                "-L" => read.add_folder(&value),
                _ => {}
            }
        }
        read
    }

    /// Reads `kind=path` or `path`.
    fn add_folder(&mut self, value: &str) {
        let (kind, folder) = match value.split_once('=') {
            Some((kind @ ("native" | "framework" | "dependency" | "crate" | "all"), folder)) => (kind, folder),
            _ => ("all", value),
        };
        if !matches!(kind, "native" | "framework") {
            self.folders.push(PathBuf::from(folder));
            self.searches_for_crates |= kind != "dependency";
        }
    }

    pub(crate) fn product(&self) -> Product {
        let has = |wanted: &str| self.crate_types.iter().any(|crate_type| crate_type == wanted);
        if self.test || !has("cdylib") {
            Product::Other
        } else if self.crate_types.iter().all(|crate_type| crate_type == "cdylib") {
            Product::Plugin
        } else {
            Product::PluginAndLibrary
        }
    }

    /// The last value of an option of `-C`; empty if the option has none.
    pub(crate) fn codegen_option(&self, name: &str) -> Option<&str> {
        self.codegen.iter().rev().find_map(|option| {
            let (option, value) = option.split_once('=').unwrap_or((option, ""));
            (option.replace('_', "-") == name).then_some(value)
        })
    }
}

/// The argument, or the arguments in the file that it names: `@path`, with one argument in each line.
fn expanded(argument: &str) -> Vec<String> {
    match argument.strip_prefix('@') {
        Some(path) => fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect(),
        None => vec![argument.to_owned()],
    }
}

/// The flags that have a value and matter here.
const FLAGS: &[&str] = &["--crate-type", "--edition", "--target", "--cfg", "--codegen", "--extern", "-C", "-Z", "-L"];
/// The other flags whose value is an argument of its own, which could look like a source file.
const OTHER_FLAGS: &[&str] = &["--crate-name", "--check-cfg", "--out-dir", "--emit", "--cap-lints", "-o", "-l", "-A"];

/// Splits `--flag=value`, `--flag value`, `-Cvalue` and `-C value`.
fn split(argument: &str, next: impl FnOnce() -> String) -> Option<(&'static str, String)> {
    for &flag in FLAGS.iter().chain(OTHER_FLAGS) {
        let Some(rest) = argument.strip_prefix(flag) else { continue };
        let is_short = !flag.starts_with("--");
        match rest.strip_prefix('=').or_else(|| is_short.then_some(rest)) {
            _ if rest.is_empty() => return Some((flag, next())),
            Some(value) => return Some((flag, value.to_owned())),
            // Another flag that starts alike.
            None => {}
        }
    }
    None
}

impl Extern {
    /// Reads `name=path`, `options:name=path` or `name`.
    fn read(value: &str) -> Self {
        let (name, path) = match value.split_once('=') {
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (value, None),
        };
        let name = name.rsplit(':').next().unwrap_or_default();
        Extern { name: name.to_owned(), path }
    }

    /// Whether it is a dynamic library, as procedural macros are.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.path.as_deref().is_some_and(|path| path.extension() == Some(OsStr::new(std::env::consts::DLL_EXTENSION)))
    }

    /// The crate's own name, which the user may have changed for the compiled crate.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.as_deref().map(crate_name)
    }
}

/// The name of the crate in a file `libNAME-HASH.rmeta`.
pub(crate) fn crate_name(path: &Path) -> &str {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = stem.split('-').next().unwrap_or_default();
    name.strip_prefix("lib").unwrap_or(name)
}

#[cfg(test)]
impl Compilation {
    pub(crate) fn of(arguments: &[&str]) -> Self {
        Self::read(arguments.iter().map(|&argument| argument.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Compilation {
        Compilation::read(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_crate_types_tell_the_product() {
        for (arguments, product) in [
            ("--crate-name a src/lib.rs --crate-type cdylib --emit=link", Product::Plugin),
            ("--crate-type=cdylib -C opt-level=3", Product::Plugin),
            ("--crate-type cdylib --crate-type rlib", Product::PluginAndLibrary),
            ("--crate-type=rlib,cdylib", Product::PluginAndLibrary),
            ("--crate-type lib", Product::Other),
            ("--crate-type bin", Product::Other),
            ("--crate-type cdylib --test", Product::Other),
            ("", Product::Other),
        ] {
            assert_eq!(read(arguments).product(), product, "{arguments}");
        }
    }

    #[test]
    fn each_way_to_write_an_argument_is_read() {
        let read = read(
            "--crate-name lib.rs src/main.rs --edition=2024 --cfg feature=\"a\" --cfg=b --check-cfg c.rs -Cpanic=abort \
             -C debug_assertions=on --codegen target-cpu=native -O -Zunstable -Z other=1 --out-dir d.rs \
             --extern one=/x/libone.rmeta --extern noprelude:two=two.rlib --extern proc_macro \
             -L dependency=/deps -L native=/native -L /all -Lcrate=/crates --target x86_64-unknown-linux-musl",
        );
        assert_eq!(read.root.as_deref(), Some(Path::new("src/main.rs")));
        assert_eq!((read.edition.as_str(), read.target.as_str()), ("2024", "x86_64-unknown-linux-musl"));
        assert_eq!(read.cfgs, ["feature=\"a\"", "b"]);
        assert_eq!(read.codegen, ["panic=abort", "debug_assertions=on", "target-cpu=native", "opt-level=3"]);
        assert_eq!(read.codegen_option("debug-assertions"), Some("on"));
        assert_eq!(read.codegen_option("overflow-checks"), None);
        assert_eq!(read.unstable, ["unstable", "other=1"]);
        let externs: Vec<_> =
            read.externs.iter().map(|each| (each.name.as_str(), each.path.as_deref().and_then(Path::to_str))).collect();
        assert_eq!(externs, [("one", Some("/x/libone.rmeta")), ("two", Some("two.rlib")), ("proc_macro", None)]);
        assert_eq!(read.folders, ["/deps", "/all", "/crates"].map(PathBuf::from));
        assert!(read.searches_for_crates);
    }
}
