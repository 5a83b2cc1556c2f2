//! Builds and runs the README's example, and checks that it prints what the README says.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::build::Workspace;
use crate::process;
use crate::report::Report;

const NAME: &str = "the README's example";
/// The packages of this workspace that the example's manifests depend on, by a version.
const PACKAGES: [&str; 2] = ["plugin_tls", "plugin_tls_core"];
/// The version that the manifests name.
const VERSION: &str = "\"0.5\"";

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
    let folder = workspace.scratch("readme");
    write(&example, &folder, &workspace.root)?;

    let library = format!("{}greeter{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let target = folder.join("target");
    for package in ["host", "greeter"] {
        cargo(&folder, &target, &["build", "-p", package])?;
    }
    let greeter = target.join("debug").join(library);
    let printed = cargo(&folder, &target, &["run", "-q", "-p", "host", "--", &greeter.to_string_lossy()])?;
    let expected = &example.output;
    ensure!(printed.trim() == expected.trim(), "the example printed\n{printed}\nbut the README says\n{expected}");
    Ok(())
}

fn cargo(folder: &Path, target: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = process::cargo(folder);
    command.args(arguments).env("CARGO_TARGET_DIR", target);
    let finished = process::capture(&mut command, None)?;
    let shown = process::describe(&command);
    ensure!(finished.success(), "{shown}: {}\n{}", finished.how_it_ended(), finished.stderr);
    Ok(finished.stdout)
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

/// Writes the example to `folder`, as a workspace that uses the packages in `root`.
fn write(example: &Example, folder: &Path, root: &Path) -> Result<()> {
    let put = |path: PathBuf, content: &str| -> Result<()> {
        let parent = path.parent().with_context(|| format!("{} has no folder", path.display()))?;
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    };
    for (path, content) in &example.files {
        put(folder.join(path), &with_paths(content, root))?;
    }
    put(folder.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"api\", \"greeter\", \"host\"]\n")?;
    let lock = root.join("Cargo.lock");
    fs::copy(&lock, folder.join("Cargo.lock")).with_context(|| format!("cannot copy {}", lock.display()))?;
    Ok(())
}

/// `manifest` with its dependencies on this project's packages replaced by paths into `root`.
fn with_paths(manifest: &str, root: &Path) -> String {
    PACKAGES.iter().fold(manifest.to_owned(), |manifest, package| {
        // A literal string, because the path may contain backslashes.
        let path = format!("path = '{}'", root.join(package).display());
        manifest
            .replace(&format!("\n{package} = {VERSION}"), &format!("\n{package} = {{ {path} }}"))
            .replace(&format!("\n{package} = {{ version = {VERSION}"), &format!("\n{package} = {{ {path}"))
    })
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
    fn a_text_without_example_is_an_error() {
        assert!(read("nothing").is_err());
        assert!(read("`a/b`\n```\nx\n```\n").unwrap_err().to_string().contains("prints"));
    }

    #[test]
    fn dependencies_on_versions_become_dependencies_on_paths() {
        let changed = |dependency: &str| {
            with_paths(&format!("[dependencies]\napi = {{ path = \"../api\" }}\n{dependency}\n"), Path::new("/root"))
        };
        for (dependency, expected) in [
            ("plugin_tls_core = \"0.5\"", "plugin_tls_core = { path = '/root/plugin_tls_core' }"),
            ("plugin_tls = \"0.5\"", "plugin_tls = { path = '/root/plugin_tls' }"),
            (
                "plugin_tls = { version = \"0.5\", features = [\"host\"] }",
                "plugin_tls = { path = '/root/plugin_tls', features = [\"host\"] }",
            ),
            (
                "plugin_tls_core = { version = \"0.5\", optional = true }",
                "plugin_tls_core = { path = '/root/plugin_tls_core', optional = true }",
            ),
            ("plugin_tls_other = \"0.5\"", "plugin_tls_other = \"0.5\""),
            ("serde = \"0.5\"", "serde = \"0.5\""),
        ] {
            assert_eq!(changed(dependency), changed("").replace("\n\n", &format!("\n{expected}\n")), "{dependency}");
        }
    }
}
