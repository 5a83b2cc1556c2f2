//! Builds the binaries that are measured, each at most once.
//!
//! The host, the plugin and rubicon's libraries come from separate cargo invocations, because cargo unifies features
//! within one invocation. The host has the feature `host` of the library but not `plugin`, and the plugin has `plugin`
//! but not `host`. Each binary is copied at once, because the next invocation overwrites it.
//!
//! All functions are aligned to cache lines. Without this, the time of a function that returns after a few instructions
//! changes by a fifth from one build to the next, depending on where the linker puts it.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use bench_plan::{label, library};
use cargo_metadata::TargetKind;

use super::group::Group;
use super::remove_folder;
use crate::build::{Workspace, artifacts_of, dynamic_library, is_dynamic_library};
use crate::process;
use crate::report::Report;

/// Aligns all functions to 2⁶ bytes.
const ALIGNED: &str = "-Cllvm-args=-align-all-functions=6";

/// Which macro declares the items of `bench-items`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Ours,
    Std,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Ours, Kind::Std];

    /// The label of the samples. `bench/items/build.rs` knows the kinds by the same names.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Kind::Ours => label::OURS,
            Kind::Std => label::STD,
        }
    }
}

/// The binaries that have been built.
#[derive(Debug)]
pub(crate) struct Products<'a> {
    pub(crate) workspace: &'a Workspace,
    report: &'a Report,
    /// The folders of the binaries by name.
    folders: HashMap<String, PathBuf>,
}

impl<'a> Products<'a> {
    pub(crate) fn new(workspace: &'a Workspace, report: &'a Report) -> Self {
        Self { workspace, report, folders: HashMap::new() }
    }

    /// Builds the binaries that a group measures. Groups that measure builds need none.
    pub(crate) fn build_for(&mut self, group: Group) -> Result<()> {
        match group {
            Group::Timed(_) => {
                self.host(group.needs_thousand())?;
                self.plugin(group.needs_thousand())?;
                self.rubicon()?;
            }
            Group::Reload(_) => {
                self.host(false)?;
                self.plugin(group.needs_thousand())?;
            }
            Group::Load(items) => {
                self.host(false)?;
                self.items(Kind::Ours, items)?;
            }
            Group::Memory(_) => {
                self.host(group.needs_thousand())?;
            }
            Group::Size(items) => {
                for kind in Kind::ALL {
                    self.items(kind, items)?;
                    self.items(kind, 2 * items)?;
                }
            }
            Group::Compile(..) | Group::CleanBuild => {}
        }
        Ok(())
    }

    /// Returns the folder with the executables of `bench-host`. If `thousand`, they have a thousand items to touch.
    pub(crate) fn host(&mut self, thousand: bool) -> Result<PathBuf> {
        self.folder(if thousand { "host-thousand" } else { "host" }, |this, folder| {
            let command = this.cargo("bench-host", if thousand { "thousand" } else { "" });
            for artifact in artifacts_of(command)? {
                if let Some(executable) = artifact.executable {
                    copy(executable.as_std_path(), &folder.join(artifact.target.name))?;
                } else if artifact.target.name == "bench_host" && is_dynamic_library(&artifact) {
                    let library = dynamic_library(&artifact)?;
                    let name = library.file_name().context("a library has a file name")?;
                    copy(&library, &folder.join(name))?;
                }
            }
            Ok(())
        })
    }

    /// Returns the path of `bench-plugin`. If `thousand`, it has a thousand items to touch.
    pub(crate) fn plugin(&mut self, thousand: bool) -> Result<PathBuf> {
        let folder = self.folder(if thousand { "plugin-thousand" } else { "plugin" }, |this, folder| {
            let command = this.cargo("bench-plugin", if thousand { "thousand" } else { "" });
            build_library(command, &folder.join(library::PLUGIN))
        })?;
        Ok(folder.join(library::PLUGIN))
    }

    /// Returns the folder with rubicon's libraries.
    pub(crate) fn rubicon(&mut self) -> Result<PathBuf> {
        self.folder("rubicon", |this, folder| {
            for (name, features) in [
                (library::RUBICON_EXPORT, "export"),
                (library::RUBICON_IMPORT, "import"),
                (library::RUBICON_UNCHECKED, "import,unchecked"),
            ] {
                build_library(this.cargo("bench-rubicon", features), &folder.join(name))?;
            }
            Ok(())
        })
    }

    /// Returns the path of a stripped plugin with this many items.
    pub(crate) fn items(&mut self, kind: Kind, count: u32) -> Result<PathBuf> {
        let folder = self.folder(&format!("items-{}-{count}", kind.label()), |this, folder| {
            let mut command = this.items_command("build", kind, count);
            command.args(["-p", "bench-items-plugin", "--release"]);
            build_library(command, &folder.join(library::ITEMS))
        })?;
        Ok(folder.join(library::ITEMS))
    }

    /// Returns a cargo command that compiles this many items. It has a target folder of its own, since its profile is
    /// the one that users have.
    pub(crate) fn items_command(&self, subcommand: &str, kind: Kind, count: u32) -> Command {
        let mut command = process::cargo(&self.workspace.root);
        command
            .arg(subcommand)
            .arg("--target-dir")
            .arg(self.workspace.target().join("bench").join("items"))
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
            .env("BENCH_ITEMS_KIND", kind.label())
            .env("BENCH_ITEMS_COUNT", count.to_string());
        command
    }

    fn cargo(&self, package: &str, features: &str) -> Command {
        let mut command = process::cargo(&self.workspace.root);
        command.args(["build", "--release", "-p", package, "--features", features]);
        // The flags apply to all crates. In the usual target folder, they would make the next ordinary build start
        // anew.
        command.arg("--target-dir").arg(self.workspace.target().join("bench").join("build"));
        let users = env::var("RUSTFLAGS").unwrap_or_default();
        command.env("RUSTFLAGS", format!("{users} {ALIGNED}"));
        command
    }

    /// Returns the folder of this name, which `build` fills the first time.
    fn folder(&mut self, name: &str, build: impl FnOnce(&Self, &Path) -> Result<()>) -> Result<PathBuf> {
        if let Some(folder) = self.folders.get(name) {
            return Ok(folder.clone());
        }
        self.report.heading(&format!("build {name}"));
        let folder = self.workspace.target().join("bench").join("products").join(name);
        remove_folder(&folder)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        build(self, &folder)?;
        self.folders.insert(name.to_owned(), folder.clone());
        Ok(folder)
    }
}

fn build_library(command: Command, to: &Path) -> Result<()> {
    let artifacts = artifacts_of(command)?;
    let library = artifacts
        .iter()
        // The requested library comes last, after the libraries that it depends on.
        .rfind(|artifact| artifact.target.kind.contains(&TargetKind::CDyLib))
        .and_then(|artifact| {
            artifact.filenames.iter().find(|file| file.extension() == Some(env::consts::DLL_EXTENSION))
        })
        .context("cargo did not report a dynamic library")?;
    copy(library.as_std_path(), to)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
