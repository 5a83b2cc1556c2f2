//! Builds and runs the README's example, and checks that it prints what the README says.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::build::Workspace;
use crate::report::Report;
use crate::user_workspace::UserWorkspace;

const NAME: &str = "the README's example";

/// Builds and runs the example. One check.
pub(crate) fn run(workspace: &Workspace, report: &Report) -> Result<()> {
    report.heading(NAME);
    let start = Instant::now();
    match check(workspace) {
        Ok(()) => report.passed(NAME, start.elapsed()),
        Err(error) => report.failed(NAME, &format!("{error:#}")),
    }
    Ok(())
}

fn check(workspace: &Workspace) -> Result<()> {
    let path = workspace.root.join("README.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let example = read(&text)?;
    let user = UserWorkspace::new(workspace, "readme", &["api", "greeter", "host"])?;
    for (path, content) in &example.files {
        user.put(path, content)?;
    }
    let root = example.files.iter().find(|(path, _)| path == ROOT);
    let (_, root) = root.with_context(|| format!("the README has no file {ROOT}"))?;
    user.put(ROOT, &format!("{root}{}", modules(&example)))?;
    for package in ["host", "greeter"] {
        user.cargo(&["build", "-p", package])?;
    }
    let greeter = user.library("debug", "greeter");
    let printed = user.cargo(&["run", "-q", "-p", "host", "--", &greeter.to_string_lossy()])?;
    let expected = &example.output;
    ensure!(printed.trim() == expected.trim(), "the example printed\n{printed}\nbut the README says\n{expected}");
    Ok(())
}

/// The root of the crate that declares items.
const ROOT: &str = "api/src/lib.rs";

/// Declares the modules that the README describes after the root.
fn modules(example: &Example) -> String {
    let names = example.files.iter().filter_map(|(path, _)| path.strip_prefix("api/src/")?.strip_suffix(".rs"));
    names.filter(|name| *name != "lib").map(|name| format!("\npub mod {name};\n")).collect()
}

/// The example in the README.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    /// The path and the content of each file.
    files: Vec<(String, String)>,
    /// The output of the host.
    output: String,
}

/// Reads the files and the output. A file is a fenced block below a line that is its path in backticks. The output is
/// in the block that starts with `$ cargo run -p host`, below that line.
fn read(text: &str) -> Result<Example> {
    let mut files = Vec::new();
    let mut output = None;
    let mut path = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            if let Some(path) = path.take() {
                files.push((path, block.join("\n") + "\n"));
            } else if block.first().is_some_and(|first| first.starts_with("$ cargo run -p host")) {
                output = Some(block[1..].join("\n"));
            }
        } else if !line.trim().is_empty() {
            let quoted = line.strip_prefix('`').and_then(|line| line.strip_suffix('`'));
            path = quoted.filter(|path| path.contains('/') && !path.contains(' ')).map(str::to_owned);
        }
    }
    ensure!(!files.is_empty(), "the README has no block below a path in backticks, such as `api/src/lib.rs`");
    let output = output.context("the README does not say what the command `$ cargo run -p host` prints")?;
    Ok(Example { files, output })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_output_are_read() {
        let text = "intro `a/b`\n```console\n$ cargo xtask\n```\n`api/Cargo.toml`\n\n```toml\nname = 1\n```\n\nwords\n\n```rust\nno file\n```\n```console\n$ cargo run -p host -- x\none\ntwo\n```\n";
        let example = read(text).unwrap();
        assert_eq!(example.files, [("api/Cargo.toml".to_owned(), "name = 1\n".to_owned())]);
        assert_eq!(example.output, "one\ntwo");
    }

    #[test]
    fn modules_are_declared() {
        let files =
            ["api/src/lib.rs", "api/src/sessions.rs", "host/src/main.rs"].map(|path| (path.to_owned(), String::new()));
        let example = Example { files: files.to_vec(), output: String::new() };
        assert_eq!(modules(&example), "\npub mod sessions;\n");
    }

    #[test]
    fn a_text_without_example_is_an_error() {
        assert!(read("nothing").is_err());
        assert!(read("`a/b`\n```\nx\n```\n").unwrap_err().to_string().contains("prints"));
    }
}
