//! Checks that modules depend in one direction: each file uses only files that are lower in the lists below.
//!
//! The check reads tokens, not items, so that the bodies of macros count. It ignores paths that start with `$crate`: they are
//! resolved where the macro is expanded, which is in another crate.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use crate::build::Workspace;
use crate::report::Report;

/// A crate whose folder has the same name.
struct Layers {
    name: &'static str,
    /// From the lowest to the highest: `host::plugin` is `src/host/plugin.rs`, `host` is `src/host/mod.rs`, `lib` is
    /// `src/lib.rs`. A module that declares and re-exports its children is above them.
    modules: &'static [&'static str],
}

/// From the lowest to the highest. Between crates, the order is: plugin_tls_macros, plugin_tls_abi, plugin_tls_store,
/// plugin_tls_core, plugin_tls_abi_stable, plugin_tls.
const CRATES: &[Layers] = &[
    Layers {
        name: "plugin_tls_macros",
        modules: &[
            "item",
            "print",
            "compilation",
            "crate_hash",
            "source_text",
            "sources",
            "build_record",
            "expand",
            "export",
            "home",
            "shape::lifetimes",
            "shape::target",
            "shape::derive",
            "shape::object",
            "shape",
            "lib",
        ],
    },
    Layers {
        name: "plugin_tls_abi",
        modules: &[
            "sync",
            "header",
            "text",
            "identity::fingerprint",
            "shape::format",
            "shape::read",
            "shape::write",
            "shape",
            "identity::key",
            "identity::declaration",
            "identity",
            "row::thread_pointer",
            "row::word",
            "row::slot",
            "allocator",
            "table",
            "row::finder",
            "row::read",
            "row",
            "layout",
            "sys::image",
            "sys::note",
            "sys::clock",
            "sys::key",
            "sys::malloc",
            "sys::memory",
            "sys::thread",
            "sys",
            "lib",
        ],
    },
    Layers {
        name: "plugin_tls_store",
        modules: &[
            "allocator",
            "arena",
            "memory",
            "progress",
            "slots",
            "hidden_state::table",
            "hidden_state",
            "mismatch",
            "builds",
            "std_types",
            "shape::words",
            "shape::compare",
            "shape",
            "proof",
            "records",
            "offered",
            "verify",
            "registry",
            "alike",
            "registration",
            "threads::list",
            "threads::current",
            "threads",
            "values::running",
            "values::local",
            "values::process",
            "values",
            "locals",
            "store",
            "unload",
            "takeover",
            "api",
            "symbol",
            "lib",
            "tests",
        ],
    },
    Layers {
        name: "plugin_tls_core",
        modules: &[
            "constructor",
            "list",
            "error",
            "item::build",
            "shape::describer",
            "shape::probe",
            "shape::language",
            "shape::library",
            "shape",
            "item::text",
            "item::raw",
            "item::glue",
            "item::probe",
            "item",
            "connection::state",
            "connection::allocator",
            "connection::connect",
            "connection::own_store",
            "connection::refusal",
            "connection::access",
            "connection::context",
            "connection",
            "local_key",
            "lazy",
            "lib",
        ],
    },
    Layers { name: "plugin_tls_abi_stable", modules: &["context", "layout", "probe", "lib"] },
    Layers {
        name: "plugin_tls",
        modules: &[
            "host::state",
            "host::error",
            "host::file",
            "host::blocker",
            "host::symbol",
            "host::report",
            "host::loaded",
            "host::plugin",
            "host::load",
            "host::unload",
            "host::snapshot",
            "host",
            "allocator",
            "export",
            "takeover",
            "lib",
        ],
    },
];

const NAME: &str = "the direction of dependencies between files";

/// Reads the sources of all crates in [`CRATES`]. One check.
pub(crate) fn run(workspace: &Workspace, report: &Report) -> Result<()> {
    report.heading(NAME);
    let start = Instant::now();
    match sources(&workspace.root).and_then(|sources| check(CRATES, &sources)) {
        Ok(problems) if problems.is_empty() => report.passed(NAME, start.elapsed()),
        Ok(problems) => report.failed(NAME, &problems.join("\n")),
        Err(error) => report.failed(NAME, &format!("{error:#}")),
    }
    Ok(())
}

/// A source file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the root of the workspace, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The sources of all crates in [`CRATES`].
pub(crate) fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for layers in CRATES {
        read_folder(root, &format!("{}/src", layers.name), &mut sources)?;
    }
    Ok(sources)
}

fn read_folder(root: &Path, folder: &str, sources: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder)).with_context(|| format!("cannot read {folder}"))? {
        let entry = entry.with_context(|| format!("cannot read {folder}"))?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().with_context(|| format!("cannot read {path}"))?.is_dir() {
            read_folder(root, &path, sources)?;
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).with_context(|| format!("cannot read {path}"))?;
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

/// A module that has a file of its own.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    crate_name: &'static str,
    /// As in [`Layers::modules`].
    name: String,
    /// The path below the crate's root, which is empty for `lib`.
    path: Vec<String>,
}

impl Module {
    fn new(crate_name: &'static str, name: &str) -> Self {
        let path = if name == "lib" { Vec::new() } else { name.split("::").map(str::to_owned).collect() };
        Module { crate_name, name: name.to_owned(), path }
    }

    /// The module in a file; `None` if the file is in no crate of `crates`.
    fn of_file(crates: &[Layers], path: &str) -> Option<Self> {
        crates.iter().find_map(|layers| {
            let file = path.strip_prefix(layers.name)?.strip_prefix("/src/")?.strip_suffix(".rs")?;
            Some(Module::new(layers.name, &file.strip_suffix("/mod").unwrap_or(file).replace('/', "::")))
        })
    }
}

/// Returns what is wrong, a line for each problem.
fn check(crates: &[Layers], sources: &[Source]) -> Result<Vec<String>> {
    // The position in this list is the rank.
    let modules: Vec<Module> =
        crates.iter().flat_map(|layers| layers.modules.iter().map(|module| Module::new(layers.name, module))).collect();
    let names: Vec<&str> = crates.iter().map(|layers| layers.name).collect();
    let mut seen = Vec::new();
    let mut problems = Vec::new();
    for source in sources {
        let module = Module::of_file(crates, &source.path)
            .with_context(|| format!("{} is in none of the crates {names:?}", source.path))?;
        let Some(rank) = modules.iter().position(|known| *known == module) else {
            problems.push(format!("{}: the module is missing from the list in xtask/src/layers.rs", source.path));
            continue;
        };
        seen.push(rank);
        let tokens: TokenStream = source.text.parse().map_err(|error| anyhow!("{}: {error}", source.path))?;
        let mut reader = Reader { crates: &names, crate_name: module.crate_name, uses: Vec::new() };
        reader.read(tokens, &module.path);
        for used in reader.uses {
            let Some(used_rank) = resolve(&modules, &used) else { continue };
            if used_rank > rank {
                let (lower, higher) = (&module, &modules[used_rank]);
                problems.push(format!(
                    "{}:{}: {}::{} uses {}::{}",
                    source.path, used.line, lower.crate_name, lower.name, higher.crate_name, higher.name
                ));
            }
        }
    }
    let missing = modules.iter().enumerate().filter(|(rank, _)| !seen.contains(rank));
    problems.extend(missing.map(|(_, module)| {
        format!("{}::{} is in the list in xtask/src/layers.rs, but has no file", module.crate_name, module.name)
    }));
    Ok(problems)
}

/// The rank of the module with the longest path that starts `used`.
fn resolve(modules: &[Module], used: &Use) -> Option<usize> {
    let candidates = modules
        .iter()
        .enumerate()
        .filter(|(_, module)| module.crate_name == used.crate_name && used.path.starts_with(&module.path));
    candidates.max_by_key(|(_, module)| module.path.len()).map(|(rank, _)| rank)
}

/// A path that a file uses.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    line: usize,
    crate_name: String,
    /// Below the root of that crate.
    path: Vec<String>,
}

/// Collects the paths that a file uses.
struct Reader<'a> {
    crates: &'a [&'a str],
    /// The crate of the file.
    crate_name: &'a str,
    uses: Vec<Use>,
}

impl Reader<'_> {
    /// Reads tokens that are in the module `module` of the crate.
    fn read(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let [first, after @ ..] = rest {
            rest = match rest {
                [TokenTree::Punct(punct), TokenTree::Group(attribute), after @ ..]
                    if punct.as_char() == '#' && is_for_tests(attribute) =>
                {
                    without_module(after)
                }
                // `pub(in crate::host)` says who may use the item. It uses nothing.
                [TokenTree::Ident(word), TokenTree::Group(scope), after @ ..]
                    if word == "pub" && scope.delimiter() == Delimiter::Parenthesis =>
                {
                    // A tuple struct's field may have a tuple type, as in `pub (crate::A, crate::B)`.
                    if !matches!(scope.stream().into_iter().next(), Some(TokenTree::Ident(word)) if word == "in") {
                        self.read(scope.stream(), module);
                    }
                    after
                }
                [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Group(body), after @ ..]
                    if word == "mod" =>
                {
                    self.read(body.stream(), &[module, &[name.to_string()]].concat());
                    after
                }
                [TokenTree::Punct(dollar), TokenTree::Ident(word), after @ ..]
                    if dollar.as_char() == '$' && word == "crate" =>
                {
                    after
                }
                [TokenTree::Ident(word), ..] if self.starts_path(word, after) => self.path(rest, Vec::new(), module),
                _ => {
                    if let TokenTree::Group(group) = first {
                        self.read(group.stream(), module);
                    }
                    after
                }
            };
        }
    }

    fn starts_path(&self, word: &Ident, after: &[TokenTree]) -> bool {
        let qualifies =
            ["crate", "self", "super"].iter().any(|keyword| word == keyword) && after_colons(after).is_some();
        qualifies || self.crates.iter().any(|name| word == name)
    }

    /// Reads a path, or a tree of paths in a `use`, that continues `prefix`. Returns the tokens after it.
    fn path<'t>(&mut self, tokens: &'t [TokenTree], mut prefix: Vec<String>, module: &[String]) -> &'t [TokenTree] {
        match tokens {
            [TokenTree::Ident(word), after @ ..] => {
                prefix.push(word.to_string());
                match after_colons(after) {
                    // The `::<` of type arguments.
                    Some([TokenTree::Punct(punct), ..]) if punct.as_char() == '<' => {}
                    Some(after) => return self.path(after, prefix, module),
                    None => {}
                }
                self.add(word.span().start().line, &prefix, module);
                after
            }
            [TokenTree::Group(tree), after @ ..] if tree.delimiter() == Delimiter::Brace => {
                let tokens: Vec<TokenTree> = tree.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                for path in tokens.split(is_comma).filter(|path| !path.is_empty()) {
                    self.path(path, prefix.clone(), module);
                }
                after
            }
            // The `*` of a `use`, or a variable of a macro.
            [other, ..] => {
                self.add(other.span().start().line, &prefix, module);
                tokens
            }
            [] => tokens,
        }
    }

    /// Adds a path as it is written in `module`.
    fn add(&mut self, line: usize, written: &[String], module: &[String]) {
        let mut crate_name = self.crate_name;
        let mut path = module.to_vec();
        let mut names = written.iter();
        if let Some(first) = names.next() {
            match first.as_str() {
                "self" => {}
                "super" => drop(path.pop()),
                "crate" => path.clear(),
                name => {
                    crate_name = name;
                    path.clear();
                }
            }
        }
        for name in names {
            match name.as_str() {
                // `super::super::a`, and the `self` of `a::{self, b}`.
                "super" => drop(path.pop()),
                "self" => {}
                name => path.push(name.to_owned()),
            }
        }
        self.uses.push(Use { line, crate_name: crate_name.to_owned(), path });
    }
}

/// What follows `::`, if `tokens` starts with that.
fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [TokenTree::Punct(first), TokenTree::Punct(second), after @ ..]
            if first.as_char() == ':' && second.as_char() == ':' =>
        {
            Some(after)
        }
        _ => None,
    }
}

/// Whether an attribute is `cfg(test)` or `cfg(all(test, ...))`.
fn is_for_tests(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// `tokens` without the `mod name { ... }` that they start with, if they do.
fn without_module(tokens: &[TokenTree]) -> &[TokenTree] {
    match tokens {
        [TokenTree::Ident(word), TokenTree::Ident(_), TokenTree::Group(_), after @ ..] if word == "mod" => after,
        _ => tokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Layers] = &[
        Layers { name: "low", modules: &["key", "row::own", "row", "lib"] },
        Layers { name: "high", modules: &["api", "lib"] },
    ];

    /// Checks [`TWO`], where all files are empty except those in `changed`.
    fn problems(changed: &[(&str, &str)]) -> Vec<String> {
        let files = [
            "low/src/key.rs",
            "low/src/row/own.rs",
            "low/src/row/mod.rs",
            "low/src/lib.rs",
            "high/src/api.rs",
            "high/src/lib.rs",
        ];
        assert!(changed.iter().all(|(path, _)| files.contains(path)), "{changed:?}");
        let sources = files.map(|path| {
            let text = changed.iter().find(|(changed, _)| *changed == path).map_or("", |(_, text)| text);
            Source { path: path.to_owned(), text: text.to_owned() }
        });
        check(TWO, &sources).expect("the sources have valid tokens")
    }

    /// What `low::key` must not use; everything in the crate is above it.
    fn above_key(text: &str) -> Vec<String> {
        let problems = problems(&[("low/src/key.rs", text)]);
        problems.iter().filter_map(|problem| Some(problem.split_once("low::key uses ")?.1.to_owned())).collect()
    }

    #[test]
    fn a_lower_module_must_not_use_a_higher_one() {
        assert_eq!(problems(&[("low/src/row/own.rs", "use crate::key::Key;\nuse super::super::key;")]), [""; 0]);
        assert_eq!(
            problems(&[("low/src/key.rs", "\nuse crate::row::own::Row;")]),
            ["low/src/key.rs:2: low::key uses low::row::own"]
        );
        assert_eq!(above_key("use super::row::Row;"), ["low::row"]);
        assert_eq!(above_key("use self::super::row;"), ["low::row"]);
        assert_eq!(above_key("use self::inner::Row;"), [""; 0]);
    }

    #[test]
    fn a_child_must_not_use_the_module_that_declares_it() {
        assert_eq!(problems(&[("low/src/row/mod.rs", "mod own; pub use self::own::Row; use crate::key;")]), [""; 0]);
        for text in ["use super::Row;", "use super::*;", "use crate::row::{self};", "fn f() { super::f() }"] {
            let problems = problems(&[("low/src/row/own.rs", text)]);
            assert_eq!(problems, ["low/src/row/own.rs:1: low::row::own uses low::row"], "{text}");
        }
        assert_eq!(above_key("use crate::Reexported;"), ["low::lib"]);
    }

    #[test]
    fn a_lower_crate_must_not_use_a_higher_one() {
        assert_eq!(problems(&[("high/src/api.rs", "use low::row::own::Row; extern crate low as l;")]), [""; 0]);
        assert_eq!(above_key("use ::high::api::A;"), ["high::api"]);
        assert_eq!(above_key("extern crate high;"), ["high::lib"]);
        assert_eq!(
            above_key("fn f() -> high::A { high::api::f::<high::B>() }"),
            ["high::lib", "high::api", "high::lib"]
        );
    }

    #[test]
    fn nested_use_trees_are_read() {
        assert_eq!(
            above_key("use crate::{key::Key, row::{own::{Row, Other as O}, *}, row as r,};"),
            ["low::row::own", "low::row::own", "low::row", "low::row"]
        );
        assert_eq!(above_key("use {high::api, super::row};"), ["high::api", "low::row"]);
    }

    #[test]
    fn paths_in_bodies_types_and_macros_are_read() {
        for text in [
            "fn f() { if true { crate::row::f(&[1]) } }",
            "struct S(Vec<crate::row::Row>);",
            "struct S(pub (crate::row::Row, u8));",
            "macro_rules! m { ($a:ident) => { crate::row::$a }; }",
            "a! { crate::row::f!() }",
            "#[derive(crate::row::Derive)] struct S;",
        ] {
            assert_eq!(above_key(text), ["low::row"], "{text}");
        }
    }

    #[test]
    fn inline_modules_are_part_of_their_file() {
        assert_eq!(above_key("mod inner { use super::Key; use super::super::row; }"), ["low::row"]);
        assert_eq!(above_key("mod inner { use self::row::Row; }"), [""; 0]);
    }

    #[test]
    fn tests_visibilities_comments_and_macros_for_other_crates_use_nothing() {
        for text in [
            "#[cfg(test)] mod tests { use crate::row::Row; }",
            "#[cfg(all(test, unix))] mod tests { use crate::row::Row; }",
            "pub(in crate::row) fn f() {} pub(crate) fn g() {} pub(super) fn h() {}",
            "/// See [`crate::row::Row`].\nfn f() { \"crate::row\"; } // crate::row",
            "macro_rules! m { () => { $crate::row::f() }; }",
            "fn f(self) { self.row }",
        ] {
            assert_eq!(above_key(text), [""; 0], "{text}");
        }
        assert_eq!(above_key("#[cfg(not(test))] mod a { use crate::row::Row; }"), ["low::row"]);
    }

    #[test]
    fn lists_and_files_must_agree() {
        let source = |path: &str| Source { path: path.to_owned(), text: String::new() };
        let one = &[Layers { name: "low", modules: &["key", "lib"] }];
        let problems = check(one, &[source("low/src/lib.rs"), source("low/src/row/mod.rs")]).expect("they are valid");
        assert_eq!(
            problems,
            [
                "low/src/row/mod.rs: the module is missing from the list in xtask/src/layers.rs",
                "low::key is in the list in xtask/src/layers.rs, but has no file",
            ]
        );
        assert!(check(one, &[source("other/src/lib.rs")]).is_err());
    }
}
