//! The sources of a crate, as far as its types depend on them.
//!
//! These are all files with the extension `rs` below the folder of the crate's root module and below `OUT_DIR`, and what
//! these files name with `#[path = ".."]` and `include!(..)`. A file that is no module of the crate may be among them: then
//! two builds count as different that are not. If a source names a file that cannot be found, nothing is known.
//!
//! Types may depend on files of other kinds: the length of `include_bytes!(..)` may be that of an array, and a derive macro
//! may read a grammar. Therefore each file counts whose path is a literal in a source. So does each variable of the
//! environment that a source reads while it is compiled.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::source_text::SourceText;

/// More than any crate has, and few enough to be read.
const MOST_FILES: usize = 10_000;

/// A literal that is longer is not the path of a file.
const LONGEST_PATH: usize = 200;

/// The sources of a crate.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The folder of the root module.
    folder: PathBuf,
    out_dir: Option<PathBuf>,
    /// The folder of the package.
    package: Option<PathBuf>,
    /// By a name that does not depend on where the crate is.
    pub(crate) files: BTreeMap<String, SourceText>,
    /// The hashes of the other files that the sources name, likewise.
    pub(crate) data: BTreeMap<String, u128>,
    /// The variables of the environment that the sources read.
    pub(crate) variables: BTreeSet<String>,
}

/// A file that a source names.
#[derive(Debug, PartialEq, Eq)]
enum NamedFile<'a> {
    /// `#[path = ".."]`.
    Module(&'a str),
    /// `include!("..")`.
    Included(&'a str),
    /// `include!(concat!(env!("OUT_DIR"), ".."))`.
    Generated(&'a str),
}

impl Sources {
    /// Reads the sources of the crate with this root module. `None` if they cannot be known.
    pub(crate) fn read(root: &Path, out_dir: Option<&Path>, package: Option<&Path>) -> Option<Self> {
        let root = root.canonicalize().ok()?;
        let [out_dir, package] = [out_dir, package].map(|folder| folder?.canonicalize().ok());
        let mut sources = Sources {
            folder: root.parent()?.to_owned(),
            out_dir,
            package,
            files: BTreeMap::new(),
            data: BTreeMap::new(),
            variables: BTreeSet::new(),
        };
        let (folder, out_dir) = (sources.folder.clone(), sources.out_dir.clone());
        sources.add_file(&root)?;
        sources.add_folder(&folder)?;
        if let Some(out_dir) = out_dir {
            sources.add_folder(&out_dir)?;
        }
        Some(sources)
    }

    /// Adds the sources below a folder.
    fn add_folder(&mut self, folder: &Path) -> Option<()> {
        for entry in fs::read_dir(folder).ok()? {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_string_lossy();
            if path.is_dir() {
                // Hidden folders and the outputs of builds have no sources.
                if !name.starts_with('.') && !path.join("CACHEDIR.TAG").is_file() {
                    self.add_folder(&path)?;
                }
            } else if name.ends_with(".rs") && path.is_file() {
                self.add_file(&path)?;
            }
        }
        Some(())
    }

    /// Adds a file and what it names.
    fn add_file(&mut self, path: &Path) -> Option<()> {
        let name = self.name(path);
        if self.files.contains_key(&name) {
            return Some(());
        }
        if self.files.len() >= MOST_FILES {
            return None;
        }
        let text = SourceText::of(&fs::read_to_string(path).ok()?);
        self.files.insert(name.clone(), SourceText::default());
        for file in named_files(&text)? {
            self.add_named(path, &file)?;
        }
        for literal in &text.literals {
            self.add_data(path, SourceText::content(literal).unwrap_or_default())?;
        }
        self.variables.extend(named_variables(&text).map(str::to_owned));
        self.files.insert(name, text);
        Some(())
    }

    /// Adds a file that the file `by` names.
    fn add_named(&mut self, by: &Path, file: &NamedFile<'_>) -> Option<()> {
        let folder = by.parent()?;
        match *file {
            NamedFile::Module(path) => {
                // Within a module in braces the path starts at the folder that the module would have.
                let bases = [folder.to_owned(), by.with_extension("")];
                let found = bases.iter().find_map(|base| base.join(path).canonicalize().ok());
                match found.filter(|found| found.is_file()) {
                    Some(found) => {
                        self.add_file(&found)?;
                        // Its own modules are beside it.
                        self.add_folder(found.parent()?)
                    }
                    None if path.ends_with(".rs") => None,
                    // An attribute of another kind.
                    None => Some(()),
                }
            }
            NamedFile::Included(path) => self.add_file(&folder.join(path).canonicalize().ok()?),
            NamedFile::Generated(path) => {
                let generated = self.out_dir.as_ref()?.join(path.trim_start_matches(['/', '\\']));
                self.add_file(&generated.canonicalize().ok()?)
            }
        }
    }

    /// Adds the files that a literal in the file `by` may name: from where a compiler or a macro would look.
    fn add_data(&mut self, by: &Path, literal: &str) -> Option<()> {
        if literal.is_empty() || literal.len() > LONGEST_PATH || literal.contains(char::is_whitespace) {
            return Some(());
        }
        // Behind the value of a variable, the path starts with a separator.
        let relative = literal.trim_start_matches(['/', '\\']);
        let package_sources = self.package.as_ref().map(|package| package.join("src"));
        let bases = [by.parent(), self.package.as_deref(), package_sources.as_deref(), self.out_dir.as_deref()];
        let found = bases.into_iter().flatten().map(|base| base.join(relative)).chain([PathBuf::from(literal)]);
        for path in found.filter(|path| path.is_file()).collect::<Vec<_>>() {
            let name = self.name(&path.canonicalize().ok()?);
            if !self.files.contains_key(&name) && !self.data.contains_key(&name) {
                self.data.insert(name, xxh3_128(&fs::read(&path).ok()?));
            }
        }
        Some(())
    }

    /// The path from the folder of the root module, or from `OUT_DIR`.
    fn name(&self, path: &Path) -> String {
        let (start, folder) = match &self.out_dir {
            Some(out_dir) if path.starts_with(out_dir) => ("OUT_DIR/", out_dir),
            _ => ("", &self.folder),
        };
        let common = path.components().zip(folder.components()).take_while(|(path, folder)| path == folder).count();
        let up = folder.components().skip(common).map(|_| "..".to_owned());
        let down = path.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
        format!("{start}{}", up.chain(down).collect::<Vec<_>>().join("/"))
    }

    /// The crates that the sources bring in with `extern crate`.
    pub(crate) fn extern_crates(&self) -> impl Iterator<Item = &str> {
        self.files.values().flat_map(|text| text.code.split("extern crate ").skip(1)).map(first_word)
    }
}

fn first_word(code: &str) -> &str {
    let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
    &code[..end]
}

/// The files that a source names. `None` if it includes one whose name is not in the source.
fn named_files(text: &SourceText) -> Option<Vec<NamedFile<'_>>> {
    let mut named = Vec::new();
    for code in after_word(&text.code, "path") {
        if let Some(value) = code.trim_start().strip_prefix('=') {
            named.extend(text.literal_at(value.trim_start()).map(NamedFile::Module));
        }
    }
    for code in after_word(&text.code, "include") {
        let Some(arguments) = code.trim_start().strip_prefix('!') else { continue };
        let Some(arguments) = arguments.trim_start().strip_prefix(['(', '[', '{']) else { continue };
        let arguments = arguments.trim_start();
        if let Some(path) = text.literal_at(arguments) {
            named.push(NamedFile::Included(path));
            continue;
        }
        // `concat!(env!("OUT_DIR"), "/name.rs")`, and nothing else.
        let arguments: String = arguments.chars().filter(|c| !c.is_whitespace()).collect();
        let arguments = arguments.strip_prefix("concat!(env!(")?;
        (text.literal_at(arguments)? == "OUT_DIR").then_some(())?;
        let (_, name) = arguments.split_once("),")?;
        let end = name[1..].find('"')? + 2;
        named.push(NamedFile::Generated(text.literal_at(name)?));
        name[end..].trim_start_matches(',').starts_with(')').then_some(())?;
    }
    Some(named)
}

/// The variables that a source reads with `env!(..)` and `option_env!(..)`.
fn named_variables(text: &SourceText) -> impl Iterator<Item = &str> {
    let after = ["env", "option_env"].into_iter().flat_map(|word| after_word(&text.code, word));
    after.filter_map(|code| {
        text.literal_at(code.trim_start().strip_prefix('!')?.trim_start().strip_prefix(['(', '[', '{'])?)
    })
}

/// What follows each place of a word in code.
fn after_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).filter_map(move |(at, _)| {
        let after = &code[at + word.len()..];
        (!code[..at].ends_with(is_part) && !after.starts_with(is_part)).then_some(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files below `src` and `out`, gone when it is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let folder = std::env::temp_dir().join(format!("plugin_tls_sources_{name}_{}", std::process::id()));
            for (file, text) in files {
                let path = folder.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Folder(folder)
        }

        fn names(&self) -> Option<Vec<String>> {
            let sources = Sources::read(&self.0.join("src/lib.rs"), Some(&self.0.join("out")), Some(&self.0))?;
            Some(sources.files.into_keys().collect())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn the_sources_are_found_where_the_crate_has_them() {
        let folder = Folder::new(
            "found",
            &[
                ("src/lib.rs", "mod a; #[path = \"../shared/b.rs\"] mod b; // #[path = \"none.rs\"] mod c;"),
                ("src/a.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/table.inc\")); include!(\"a.inc\");"),
                ("src/a.inc", "extern crate serde;"),
                ("src/notes.md", ""),
                ("src/.hidden/x.rs", ""),
                ("src/target/CACHEDIR.TAG", ""),
                ("src/target/x.rs", ""),
                ("shared/b.rs", "mod d;"),
                ("shared/d.rs", ""),
                ("out/table.inc", ""),
                ("out/bindings.rs", ""),
                ("out/large.o", ""),
            ],
        );
        let expected =
            ["../shared/b.rs", "../shared/d.rs", "OUT_DIR/bindings.rs", "OUT_DIR/table.inc", "a.inc", "a.rs", "lib.rs"];
        assert_eq!(folder.names().unwrap(), expected);
        let sources = Sources::read(&folder.0.join("src/lib.rs"), None, None);
        assert!(sources.is_none(), "`OUT_DIR` is not known");
    }

    #[test]
    fn nothing_is_known_of_a_crate_with_files_that_cannot_be_found() {
        for (name, text) in [
            ("module", "#[path = \"none.rs\"] mod a;"),
            ("included", "include!(\"none.inc\");"),
            ("variable", "include!(env!(\"FILE\"));"),
            ("generated", "include!(concat!(env!(\"OUT_DIR\"), \"/none.rs\"));"),
            ("computed", "include!(concat!(env!(\"OUT_DIR\"), \"/a\", \".rs\"));"),
        ] {
            assert_eq!(Folder::new(name, &[("src/lib.rs", text)]).names(), None, "{text}");
        }
        let other = "#[arg(path = \"none\")] struct A; const TEXT: &str = \"include!(x)\"; x!(\"a\");";
        assert_eq!(Folder::new("other", &[("src/lib.rs", other)]).names().unwrap(), ["lib.rs"]);
    }

    #[test]
    fn files_that_literals_name_count() {
        let folder = Folder::new(
            "data",
            &[
                (
                    "src/a/mod.rs",
                    "include_str!(\"a.txt\"); include_bytes!(concat!(env!(\"OUT_DIR\"), \"/b.bin\")); x!(\"../y.rs\", \"\");",
                ),
                ("src/lib.rs", "#[grammar = \"c.pest\"] #[schema(\"d.graphql\")] mod a; const X: &str = \"no file\";"),
                ("src/y.rs", "option_env!(\"SIZE\"); std::env!(\"OTHER\",\"text\"); my_env!(\"NONE\");"),
                ("src/a/a.txt", ""),
                ("out/b.bin", "b"),
                ("src/c.pest", "c"),
                ("d.graphql", "d"),
                ("src/unnamed.txt", ""),
            ],
        );
        let read =
            || Sources::read(&folder.0.join("src/lib.rs"), Some(&folder.0.join("out")), Some(&folder.0)).unwrap();
        let sources = read();
        let names: Vec<_> = sources.data.keys().map(String::as_str).collect();
        assert_eq!(names, ["../d.graphql", "OUT_DIR/b.bin", "a/a.txt", "c.pest"]);
        let variables: Vec<_> = sources.variables.iter().map(String::as_str).collect();
        assert_eq!(variables, ["OTHER", "OUT_DIR", "SIZE"]);
        fs::write(folder.0.join("src/c.pest"), "other").unwrap();
        let edited = read().data;
        assert_ne!(edited["c.pest"], sources.data["c.pest"]);
        assert_eq!(edited["a/a.txt"], sources.data["a/a.txt"]);
    }

    #[test]
    fn extern_crates_are_named() {
        let folder = Folder::new("extern", &[("src/lib.rs", "extern crate alloc;\npub extern crate serde as s;")]);
        let sources = Sources::read(&folder.0.join("src/lib.rs"), None, None).unwrap();
        assert_eq!(sources.extern_crates().collect::<Vec<_>>(), ["alloc", "serde"]);
    }
}
