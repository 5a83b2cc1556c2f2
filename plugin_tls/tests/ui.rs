//! Declarations that do not compile, and the places of the compiler's errors.
//!
//! Each `ui/NAME.fail.rs` marks lines with `//~ ERROR part of the message`. The compiler must report an error on each
//! of these lines, and on no other. Each file has a counterpart `ui/NAME.pass.rs`, which must compile without a
//! warning. Both are compiled in edition 2024, or in each of the editions that a line `//@ editions: ..` names.
//!
//! The files are the binaries of one temporary package, which the compiler of the tests checks. The package calls its
//! dependency `tls`, because expansions must not rely on this crate's own name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};

struct Case {
    path: PathBuf,
    source: String,
    fails: bool,
    diagnostics: Vec<Diagnostic>,
}

#[test]
fn errors_are_reported_on_the_marked_lines() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut cases = BTreeMap::new();
    let mut manifest = format!(
        "[package]\nname = \"ui\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         tls = {{ package = \"plugin_tls\", path = {:?}, default-features = false }}\n",
        env!("CARGO_MANIFEST_DIR")
    );
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        let (stem, kind) = path.file_stem().unwrap().to_str().unwrap().split_once('.').expect("NAME.fail or NAME.pass");
        let fails = kind == "fail";
        assert!(
            !fails || path.with_file_name(format!("{stem}.pass.rs")).exists(),
            "{stem} has no counterpart that compiles"
        );
        let editions = source.lines().find_map(|line| line.strip_prefix("//@ editions: ")).unwrap_or("2024");
        for edition in editions.split(' ') {
            let name = format!("{stem}-{kind}-{edition}");
            writeln!(manifest, "[[bin]]\nname = {name:?}\npath = {path:?}\nedition = {edition:?}").unwrap();
            let case = Case { path: path.clone(), source: source.clone(), fails, diagnostics: Vec::new() };
            cases.insert(name, case);
        }
    }

    check(&manifest, &mut cases);
    let complaints: String = cases.iter().map(|(name, case)| case.complaints(name)).collect();
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// Runs `cargo check`, and gives each case its diagnostics.
fn check(manifest: &str, cases: &mut BTreeMap<String, Case>) {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    if lock.exists() {
        fs::copy(lock, package.join("Cargo.lock")).unwrap();
    }
    let run = |offline: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--bins", "--keep-going", "--quiet", "--message-format=json"]).args(offline);
        // Cargo reports that cases do not compile, which is expected. The test shows its output if nothing was
        // compiled.
        let words = fs::File::create(package.join("cargo.txt")).unwrap();
        cargo.arg("--target-dir").arg(package.join("target")).current_dir(&package).stderr(Stdio::from(words));
        let output = cargo.output().unwrap();
        Message::parse_stream(&*output.stdout).map(Result::unwrap).collect::<Vec<_>>()
    };
    let mut messages = run(&["--offline"]);
    if messages.is_empty() {
        messages = run(&[]);
    }
    let finished = messages.iter().any(|message| matches!(message, Message::BuildFinished(_)));
    let words = || fs::read_to_string(package.join("cargo.txt")).unwrap();
    assert!(finished, "cargo did not compile anything: {}", words());
    for message in messages {
        let Message::CompilerMessage(message) = message else { continue };
        match cases.get_mut(&message.target.name) {
            Some(case) => case.diagnostics.push(message.message),
            None => panic!("{}: {}", message.target.name, message.message),
        }
    }
}

impl Case {
    fn complaints(&self, name: &str) -> String {
        let mut complaints = String::new();
        let marks: Vec<_> = self
            .source
            .lines()
            .enumerate()
            .filter_map(|(index, line)| Some((index + 1, line.split_once("//~ ERROR ")?.1)))
            .collect();
        assert_eq!(self.fails, !marks.is_empty(), "{name}: marks are for what fails");
        // The last error states the number of errors and has no place.
        let diagnostics: Vec<_> = self
            .diagnostics
            .iter()
            .filter(|diagnostic| !diagnostic.spans.is_empty())
            .filter(|diagnostic| !self.fails || diagnostic.level == DiagnosticLevel::Error)
            .collect();
        let matches = |diagnostic: &Diagnostic, (line, text): (usize, &str)| {
            self.lines(diagnostic).contains(&line) && words(diagnostic).contains(text)
        };
        for mark in &marks {
            if !diagnostics.iter().any(|diagnostic| matches(diagnostic, *mark)) {
                writeln!(complaints, "{name}, line {}: expected an error with `{}`\n", mark.0, mark.1).unwrap();
            }
        }
        for diagnostic in diagnostics {
            if !marks.iter().any(|mark| matches(diagnostic, *mark)) {
                writeln!(complaints, "{name}: not expected:\n{diagnostic}").unwrap();
            }
        }
        complaints
    }

    /// The lines of the case's file that the diagnostic points at, directly or through macros.
    fn lines(&self, diagnostic: &Diagnostic) -> Vec<usize> {
        let primary = diagnostic.spans.iter().filter(|span| span.is_primary);
        primary
            .flat_map(backtrace)
            .filter(|span| Path::new(&span.file_name) == self.path)
            .map(|span| span.line_start)
            .collect()
    }
}

/// A place, the macro call that produced the code there, the macro call that produced that call, and so on.
fn backtrace(span: &DiagnosticSpan) -> impl Iterator<Item = &DiagnosticSpan> {
    std::iter::successors(Some(span), |span| span.expansion.as_ref().map(|expansion| &expansion.span))
}

/// The text of a diagnostic, without the source that it quotes, because the source contains the marks.
fn words(diagnostic: &Diagnostic) -> String {
    let labels = diagnostic.spans.iter().filter_map(|span| span.label.as_deref());
    let notes = diagnostic.children.iter().map(|note| note.message.as_str());
    std::iter::once(diagnostic.message.as_str()).chain(labels).chain(notes).collect::<Vec<_>>().join("\n")
}
