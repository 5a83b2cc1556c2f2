//! What is built to be measured, each at most once.
//!
//! Host, plugin and rubicon's libraries come from separate cargo invocations, because cargo unifies features within one:
//! the host has the feature `host` of the library and not `plugin`, and the plugin the other way round. What is built is
//! copied away at once, because the next invocation overwrites it.
//!
//! All functions are aligned to cache lines. Where the linker happens to put a function that returns after a few
//! instructions changes its time by a fifth, from one build to the next.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::TargetKind;

use super::group::Group;
use crate::build::{Workspace, artifacts_of};
use crate::process;
use crate::report::Report;

/// Two to the sixth bytes.
const ALIGNED: &str = "-Cllvm-args=-align-all-functions=6";

/// Which macro declares the items of `bench-items`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Ours,
    Std,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Ours => "ours",
            Kind::Std => "std",
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Products<'a> {
    pub(crate) workspace: &'a Workspace,
    report: &'a Report,
    /// By the names of their folders.
    folders: HashMap<String, PathBuf>,
}

impl<'a> Products<'a> {
    pub(crate) fn new(workspace: &'a Workspace, report: &'a Report) -> Self {
        Self { workspace, report, folders: HashMap::new() }
    }

    /// Builds what a group needs. What compiles for the sake of it is not meant.
    pub(crate) fn build_for(&mut self, group: &Group) -> Result<()> {
        match *group {
            Group::Work(_) => {
                self.host(false)?;
                self.plugin(false)?;
                self.rubicon()?;
            }
            Group::WorkOfThousand(_) => {
                self.host(true)?;
                self.plugin(true)?;
                self.rubicon()?;
            }
            Group::Reload(items) => {
                self.host(false)?;
                self.plugin(items > 100)?;
            }
            Group::Load(items) => {
                self.host(false)?;
                self.items(Kind::Ours, items)?;
            }
            Group::Memory(items) => {
                self.host(items > 100)?;
            }
            Group::Size(items) => {
                for kind in [Kind::Ours, Kind::Std] {
                    self.items(kind, items)?;
                    self.items(kind, 2 * items)?;
                }
            }
            Group::Compile(..) | Group::CleanBuild => {}
        }
        Ok(())
    }

    /// The folder with the executables; `thousand`: with a thousand items to touch.
    pub(crate) fn host(&mut self, thousand: bool) -> Result<PathBuf> {
        self.folder(if thousand { "host-thousand" } else { "host" }, |this, folder| {
            let mut command = this.cargo("bench-host");
            if thousand {
                command.args(["--features", "thousand"]);
            }
            for artifact in artifacts_of(command)? {
                if let Some(executable) = artifact.executable {
                    copy(executable.as_std_path(), &folder.join(artifact.target.name))?;
                }
            }
            Ok(())
        })
    }

    /// The plugin.
    pub(crate) fn plugin(&mut self, thousand: bool) -> Result<PathBuf> {
        let folder = self.folder(if thousand { "plugin-thousand" } else { "plugin" }, |this, folder| {
            let mut command = this.cargo("bench-plugin");
            if thousand {
                command.args(["--features", "thousand"]);
            }
            build_library(command, &folder.join("plugin.so"))
        })?;
        Ok(folder.join("plugin.so"))
    }

    /// The folder with rubicon's libraries.
    pub(crate) fn rubicon(&mut self) -> Result<PathBuf> {
        self.folder("rubicon", |this, folder| {
            for (name, features) in [("export", "export"), ("import", "import"), ("unchecked", "import,unchecked")] {
                let mut command = this.cargo("bench-rubicon");
                command.args(["--features", features]);
                build_library(command, &folder.join(name).with_extension("so"))?;
            }
            Ok(())
        })
    }

    /// A plugin of so many items, stripped.
    pub(crate) fn items(&mut self, kind: Kind, count: u32) -> Result<PathBuf> {
        let folder = self.folder(&format!("items-{}-{count}", kind.name()), |this, folder| {
            let mut command = this.items_command("build", kind, count);
            command.args(["-p", "bench-items", "--release"]);
            build_library(command, &folder.join("items.so"))
        })?;
        Ok(folder.join("items.so"))
    }

    /// A cargo that compiles so many items in a target folder of its own, where the profile is what users have.
    pub(crate) fn items_command(&self, subcommand: &str, kind: Kind, count: u32) -> Command {
        let mut command = process::cargo(&self.workspace.root);
        command
            .arg(subcommand)
            .arg("--target-dir")
            .arg(self.workspace.target().join("bench").join("items"))
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
            .env("BENCH_ITEMS_KIND", kind.name())
            .env("BENCH_ITEMS_COUNT", count.to_string());
        command
    }

    fn cargo(&self, package: &str) -> Command {
        let mut command = process::cargo(&self.workspace.root);
        command.args(["build", "--release", "-p", package]);
        // A folder of its own: these flags are for all crates, and nobody else has them.
        command.arg("--target-dir").arg(self.workspace.target().join("bench").join("build"));
        let users = env::var("RUSTFLAGS").unwrap_or_default();
        command.env("RUSTFLAGS", format!("{users} {ALIGNED}"));
        command
    }

    fn folder(&mut self, name: &str, build: impl FnOnce(&Self, &Path) -> Result<()>) -> Result<PathBuf> {
        if let Some(folder) = self.folders.get(name) {
            return Ok(folder.clone());
        }
        self.report.heading(&format!("build {name}"));
        let folder = self.workspace.target().join("bench").join("products").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
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
        // The library that was asked for comes last; others are those that it needs.
        .rfind(|artifact| artifact.target.kind.contains(&TargetKind::CDyLib))
        .and_then(|artifact| {
            artifact.filenames.iter().find(|file| file.extension() == Some(std::env::consts::DLL_EXTENSION))
        })
        .context("cargo names no dynamic library")?;
    copy(library.as_std_path(), to)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
