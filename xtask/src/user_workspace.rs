//! Workspaces outside of this one that use its packages, as a user's workspace does.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::build::Workspace;
use crate::process;

/// The packages of this workspace that manifests depend on, by a version.
const PACKAGES: [&str; 2] = ["plugin_tls", "plugin_tls_core"];
/// The version that the manifests name.
const VERSION: &str = "\"0.5\"";

/// Nobody debugs these builds.
const PROFILES: &str = "\n[profile.dev]\ndebug = false\n";

/// A workspace in the scratch folder.
#[derive(Debug)]
pub(crate) struct UserWorkspace {
    root: PathBuf,
    pub(crate) folder: PathBuf,
    /// All of these workspaces have one target folder, so that this project's packages are compiled once for them.
    target: PathBuf,
}

impl UserWorkspace {
    /// A workspace with the members that these patterns name, and no other file.
    pub(crate) fn new(workspace: &Workspace, name: &str, members: &[&str]) -> Result<Self> {
        let user = Self {
            root: workspace.root.clone(),
            folder: workspace.scratch(name),
            target: workspace.scratch("user-target"),
        };
        if user.folder.exists() {
            fs::remove_dir_all(&user.folder).with_context(|| format!("cannot remove {}", user.folder.display()))?;
        }
        user.put("Cargo.toml", &format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n{PROFILES}"))?;
        let lock = user.root.join("Cargo.lock");
        fs::copy(&lock, user.folder.join("Cargo.lock")).with_context(|| format!("cannot copy {}", lock.display()))?;
        Ok(user)
    }

    /// Writes a file. In a manifest, versions of this project's packages become paths.
    pub(crate) fn put(&self, path: &str, content: &str) -> Result<()> {
        let file = self.folder.join(path);
        let parent = file.parent().with_context(|| format!("{path} has no folder"))?;
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let content = if path.ends_with(".toml") { with_paths(content, &self.root) } else { content.to_owned() };
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Runs cargo and returns what it prints to stdout.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<String> {
        let mut command = process::cargo(&self.folder);
        command.args(arguments).env("CARGO_TARGET_DIR", &self.target);
        let finished = process::capture(&mut command, None)?;
        let shown = process::describe(&command);
        ensure!(finished.success(), "{shown}: {}\n{}", finished.how_it_ended(), finished.stderr);
        Ok(finished.stdout)
    }

    /// The dynamic library of a package in a folder of the target folder, such as `debug`.
    pub(crate) fn library(&self, folder: &str, package: &str) -> PathBuf {
        let name = format!("{}{package}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        self.target.join(folder).join(name)
    }

    /// The executable of a package, likewise.
    pub(crate) fn executable(&self, folder: &str, package: &str) -> PathBuf {
        self.target.join(folder).join(format!("{package}{}", std::env::consts::EXE_SUFFIX))
    }
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
