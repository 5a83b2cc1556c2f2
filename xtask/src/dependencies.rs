//! Checks which packages are below `plugin_tls_core`.
//!
//! Crates such as parking_lot, log, crossbeam and once_cell are to declare their statics through the core. Cargo allows no
//! cycles, so the core and the crates below it must not depend on any of them, not even indirectly. Each new dependency is
//! a crate that can never do so, which is why the list of allowed packages is closed.
//!
//! The workspace's own crates in that list must not have features either: cargo unifies the features of one build, so that
//! binaries that were built apart could differ in the code below the core.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;

use crate::build::Workspace;
use crate::process;
use crate::report::Report;

/// The package at the top of the tree.
const CORE: &str = "plugin_tls_core";
/// The packages of this workspace that may be in the tree. They must not have features.
const OWN: &[&str] = &[CORE, "plugin_tls_store", "plugin_tls_abi", "plugin_tls_macros"];
/// The other packages that may be in the tree.
const OTHERS: &[&str] = &["libc", "xxhash-rust", "proc-macro2", "quote", "syn", "unicode-ident"];

const WHY: &str = "crates like parking_lot, log, crossbeam and once_cell are to declare their statics through \
                   plugin_tls_core, so a dependency of plugin_tls_core on them would be a cycle, which Cargo refuses";

const NAME: &str = "packages below plugin_tls_core";

/// Checks the packages and their features. One check.
pub(crate) fn run(workspace: &Workspace, report: &Report) -> Result<()> {
    report.heading(NAME);
    let start = Instant::now();
    match packages(workspace).and_then(|()| features(workspace)) {
        Ok(()) => report.passed(NAME, start.elapsed()),
        Err(error) => report.failed(NAME, &format!("{error:#}")),
    }
    Ok(())
}

fn packages(workspace: &Workspace) -> Result<()> {
    // Of all targets: a dependency on Windows only would be a cycle on Windows.
    check_packages(&process::tree(&workspace.root, &["-p", CORE, "-e", "normal,build", "--target", "all"])?)
}

fn check_packages(tree: &str) -> Result<()> {
    let names = process::packages_in(tree, CORE)?;
    let mut unknown: Vec<&str> =
        names.into_iter().filter(|name| !OWN.contains(name) && !OTHERS.contains(name)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    ensure!(
        unknown.is_empty(),
        "{CORE} depends on {}, which the list in xtask/src/dependencies.rs does not allow: {WHY}",
        unknown.join(", ")
    );
    Ok(())
}

fn features(workspace: &Workspace) -> Result<()> {
    let mut command = MetadataCommand::new();
    command.no_deps().current_dir(&workspace.root);
    let metadata = command.exec().context("cannot read the workspace")?;
    let packages: Vec<(&str, Vec<&str>)> = metadata
        .packages
        .iter()
        .map(|package| (package.name.as_str(), package.features.keys().map(String::as_str).collect()))
        .collect();
    check_features(&packages)
}

/// `packages` has the name and the features of each package of the workspace.
fn check_features(packages: &[(&str, Vec<&str>)]) -> Result<()> {
    for own in OWN {
        let found = packages.iter().find(|(name, _)| name == own);
        let (_, features) = found.with_context(|| format!("the workspace has no package {own}"))?;
        ensure!(
            features.is_empty(),
            "{own} has the Cargo features {}: cargo unifies the features of one build, so that binaries that were built \
             apart could differ in this crate",
            features.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
plugin_tls_core v0.5.0 (/src/plugin_tls_core)
plugin_tls_macros v0.5.0 (proc-macro) (/src/plugin_tls_macros)
proc-macro2 v1.0.107
unicode-ident v1.0.27
quote v1.0.40
proc-macro2 v1.0.107 (*)
plugin_tls_store v0.5.0 (/src/plugin_tls_store)
libc v0.2.180
";

    #[test]
    fn allowed_packages_pass() {
        assert!(check_packages(TREE).is_ok());
    }

    #[test]
    fn other_packages_are_refused_with_the_reason() {
        let tree = format!("{TREE}once_cell v1.21.3\nparking_lot v0.12.4\nonce_cell v1.21.3 (*)\n");
        let text = check_packages(&tree).expect_err("two packages are not in the list").to_string();
        assert!(text.contains("plugin_tls_core depends on once_cell, parking_lot, which"), "{text}");
        assert!(text.contains("cycle"), "{text}");
        // A name that only starts like an allowed one.
        assert!(check_packages(&format!("{TREE}syn-mid v0.6.0\n")).is_err());
    }

    #[test]
    fn a_tree_of_another_package_is_refused() {
        assert!(check_packages("").is_err());
        assert!(check_packages("libc v0.2.180\n").is_err());
    }

    #[test]
    fn own_packages_have_no_features() {
        let mut packages: Vec<_> = OWN.iter().map(|own| (*own, Vec::new())).collect();
        packages.push(("plugin_tls", vec!["host"]));
        assert!(check_features(&packages).is_ok());
        packages[1].1.push("default");
        let text = check_features(&packages).expect_err("one has a feature").to_string();
        assert!(text.starts_with("plugin_tls_store has the Cargo features default"), "{text}");
        assert!(check_features(&packages[2..]).is_err(), "a package that is not found must not pass");
    }
}
