//! Builds the test host and its plugins for each setting, and copies the products to a folder per setting.

use std::collections::HashMap;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{Artifact, Message, MetadataCommand, TargetKind};

use crate::process;
use crate::report::Report;
use crate::settings::Setting;

/// The package and the binary that loads the plugins.
const HOST: &str = "test-host";
/// The executable that opens the library of [`HOST`].
const HOST_AS_LIBRARY: &str = "test-host-as-library";
/// The suffix of packages that are libraries with the feature `host`.
const HOST_LIBRARY: &str = "-host-library";

/// The folders of the workspace, and the packages that are plugins.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    target: PathBuf,
    /// The names of the packages under `test-plugins/` that are built as dynamic libraries.
    plugins: Vec<String>,
    /// The name of each package of the workspace, by its id in cargo's messages.
    names: HashMap<cargo_metadata::PackageId, String>,
}

impl Workspace {
    fn find() -> Result<Self> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        let metadata = command.exec().context("cannot read the workspace; run this command inside of it")?;
        let folder = metadata.workspace_root.join("test-plugins");
        let members = metadata.workspace_packages();
        let is_plugin = |package: &cargo_metadata::Package| {
            package.manifest_path.starts_with(&folder)
                && package.targets.iter().any(|target| target.kind.contains(&TargetKind::CDyLib))
        };
        Ok(Self {
            plugins: members
                .iter()
                .filter(|package| is_plugin(package))
                .map(|package| package.name.to_string())
                .collect(),
            names: members.iter().map(|package| (package.id.clone(), package.name.to_string())).collect(),
            root: metadata.workspace_root.into(),
            target: metadata.target_directory.into(),
        })
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The folder `name` below the target folder, for the builds of a check.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.target.join("test-plugins").join(name)
    }

    /// `path` relative to the root of the workspace.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// A plugin that was built.
#[derive(Debug, Clone)]
pub(crate) struct Plugin {
    pub(crate) package: String,
    pub(crate) path: PathBuf,
}

impl Plugin {
    pub(crate) fn is_host_library(&self) -> bool {
        self.package.ends_with(HOST_LIBRARY)
    }
}

/// The executable and the plugins of one setting, all in one folder.
#[derive(Debug, Clone)]
pub(crate) struct Products {
    pub(crate) folder: PathBuf,
    pub(crate) host: PathBuf,
    /// The executable that opens the host as a dynamic library.
    pub(crate) library_host: PathBuf,
    pub(crate) plugins: Vec<Plugin>,
}

/// The files of the test host.
#[derive(Debug)]
struct HostFiles {
    executable: PathBuf,
    /// See [`Products::library_host`].
    library_executable: PathBuf,
    library: PathBuf,
}

/// The compiler of a build, and whether it instruments the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Toolchain {
    Current,
    Nightly,
    /// Nightly, with AddressSanitizer.
    Sanitizer,
}

/// One invocation of `cargo build`.
#[derive(Debug, Clone, Copy)]
struct Invocation<'a> {
    toolchain: Toolchain,
    release: bool,
    packages: &'a [&'a str],
}

/// Builds each setting at most once.
#[derive(Debug)]
pub(crate) struct Builder<'a> {
    workspace: Workspace,
    report: &'a Report,
    /// The value is `None` if the build failed. The failure was reported then.
    done: HashMap<Setting, Option<Products>>,
    /// The cached result of [`why_no_nightly`].
    no_nightly: Option<Option<String>>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(report: &'a Report) -> Result<Self> {
        Ok(Self { workspace: Workspace::find()?, report, done: HashMap::new(), no_nightly: None })
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The reason if a setting cannot be built on this machine.
    pub(crate) fn unavailable(&mut self, setting: Setting) -> Option<String> {
        let root = &self.workspace.root;
        if setting == Setting::AddressSanitizer {
            return sanitizer_target().map_or_else(|| Some(NO_SANITIZER.to_owned()), |_| why_no_cargo_nightly(root));
        }
        if !setting.mixes_compilers() {
            return None;
        }
        self.no_nightly.get_or_insert_with(|| why_no_nightly(root)).clone()
    }

    /// Builds a setting at the first call. Returns `None` if the build failed, which is reported once as a failure.
    pub(crate) fn products(&mut self, setting: Setting) -> Option<Products> {
        let setting = setting.built_as();
        if !self.done.contains_key(&setting) {
            let products = self.build(setting);
            let products = products.map_err(|error| self.report.failed(&build_name(setting), &format!("{error:#}")));
            self.done.insert(setting, products.ok());
        }
        self.done.get(&setting).cloned().flatten()
    }

    fn build(&mut self, setting: Setting) -> Result<Products> {
        ensure!(
            !self.workspace.plugins.is_empty(),
            "no package under test-plugins/ has a library of crate-type cdylib; there is nothing to load"
        );
        // Both mixed settings take one side from this build, which prints and fails under its own name.
        let current = if setting.mixes_compilers() {
            let current = self.products(Setting::DebugApart);
            Some(current.with_context(|| format!("one side comes from {}", build_name(Setting::DebugApart)))?)
        } else {
            None
        };
        self.report.expect_nothing();
        self.report.heading(&build_name(setting));

        let (host, plugins) = match (setting, current) {
            (Setting::DebugUnified, _) => {
                let packages = [&[HOST], self.plugin_names().as_slice()].concat();
                let built = self.cargo_build(Invocation {
                    toolchain: Toolchain::Current,
                    release: false,
                    packages: &packages,
                })?;
                (self.host_of(&built)?, self.plugins_of(&built)?)
            }
            (Setting::StableHostNightlyPlugins, Some(_)) => {
                (self.build_host(Toolchain::Current, false)?, self.build_plugins(Toolchain::Nightly, false)?)
            }
            (Setting::NightlyHostStablePlugins, Some(current)) => {
                (self.build_host(Toolchain::Nightly, false)?, current.plugins)
            }
            (Setting::AddressSanitizer, _) => {
                (self.build_host(Toolchain::Sanitizer, false)?, self.build_plugins(Toolchain::Sanitizer, false)?)
            }
            (setting, _) => {
                let release = setting == Setting::ReleaseApart;
                (self.build_host(Toolchain::Current, release)?, self.build_plugins(Toolchain::Current, release)?)
            }
        };
        self.collect(setting, &host, plugins)
    }

    fn build_host(&self, toolchain: Toolchain, release: bool) -> Result<HostFiles> {
        self.host_of(&self.cargo_build(Invocation { toolchain, release, packages: &[HOST] })?)
    }

    /// Builds plugins and host libraries in separate invocations. In a single one, the plugins would get the feature
    /// `host`.
    fn build_plugins(&self, toolchain: Toolchain, release: bool) -> Result<Vec<Plugin>> {
        let (libraries, plugins): (Vec<&str>, Vec<&str>) =
            self.plugin_names().into_iter().partition(|name| name.ends_with(HOST_LIBRARY));
        let mut built = Vec::new();
        for packages in [plugins, libraries].into_iter().filter(|packages| !packages.is_empty()) {
            built.extend(self.cargo_build(Invocation { toolchain, release, packages: &packages })?);
        }
        self.plugins_of(&built)
    }

    fn plugin_names(&self) -> Vec<&str> {
        self.workspace.plugins.iter().map(String::as_str).collect()
    }

    fn cargo_build(&self, invocation: Invocation<'_>) -> Result<Vec<Artifact>> {
        // Each toolchain has its own target folder, because it would rebuild what another one built.
        let (mut command, folder) = match invocation.toolchain {
            Toolchain::Current => (process::cargo(&self.workspace.root), None),
            Toolchain::Nightly => (process::nightly("cargo", &self.workspace.root), Some("nightly")),
            Toolchain::Sanitizer => (process::nightly("cargo", &self.workspace.root), Some("sanitizer")),
        };
        command.arg("build");
        if let Some(folder) = folder {
            command.arg("--target-dir").arg(self.workspace.target.join(folder));
        }
        if invocation.toolchain == Toolchain::Sanitizer {
            // With `--target`, the flags do not apply to build scripts and procedural macros. The sanitizer's runtime
            // is in the executable, which must export it to the plugins.
            command.args(["--target", sanitizer_target().context(NO_SANITIZER)?]);
            command.env("RUSTFLAGS", "-Zsanitizer=address -Clink-arg=-Wl,--export-dynamic");
        }
        if invocation.release {
            command.arg("--release");
        }
        for package in invocation.packages {
            command.args(["-p", package]);
        }
        artifacts_of(command)
    }

    fn host_of(&self, artifacts: &[Artifact]) -> Result<HostFiles> {
        let executable = |name: &str| -> Result<PathBuf> {
            let executable = artifacts
                .iter()
                .filter(|artifact| artifact.target.name == name && artifact.target.kind.contains(&TargetKind::Bin))
                .find_map(|artifact| artifact.executable.clone());
            Ok(executable.with_context(|| format!("cargo built no executable {name}"))?.into())
        };
        let library =
            artifacts.iter().find(|artifact| is_dynamic_library(artifact) && self.package_of(artifact) == HOST);
        Ok(HostFiles {
            executable: executable(HOST)?,
            library_executable: executable(HOST_AS_LIBRARY)?,
            library: dynamic_library(library.with_context(|| format!("cargo built no library of {HOST}"))?)?,
        })
    }

    /// The package of an artifact; empty if it is none of this workspace.
    fn package_of(&self, artifact: &Artifact) -> &str {
        self.workspace.names.get(&artifact.package_id).map_or("", String::as_str)
    }

    fn plugins_of(&self, artifacts: &[Artifact]) -> Result<Vec<Plugin>> {
        let mut plugins = Vec::new();
        for artifact in artifacts.iter().filter(|artifact| is_dynamic_library(artifact)) {
            let package = self.package_of(artifact);
            if self.workspace.plugins.iter().any(|plugin| plugin == package) {
                plugins.push(Plugin { package: package.to_owned(), path: dynamic_library(artifact)? });
            }
        }
        for expected in &self.workspace.plugins {
            if !plugins.iter().any(|plugin| plugin.package == *expected) {
                bail!("cargo built no dynamic library of the plugin {expected}");
            }
        }
        Ok(plugins)
    }

    /// Copies the products to the setting's folder, because the next cargo invocation may overwrite them.
    fn collect(&self, setting: Setting, host: &HostFiles, plugins: Vec<Plugin>) -> Result<Products> {
        let folder = self.workspace.target.join("test-plugins").join(setting.name());
        // Remove the folder first, so that no renamed plugin stays and no running process sees its mapped file change.
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let copy = |from: &Path| -> Result<PathBuf> {
            let name = from.file_name().with_context(|| format!("{} has no file name", from.display()))?;
            let to = folder.join(name);
            fs::copy(from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
            Ok(to)
        };
        let library_host = copy(&host.library_executable)?;
        copy(&host.library)?;
        let host = copy(&host.executable)?;
        let plugins = plugins
            .into_iter()
            .map(|plugin| Ok(Plugin { path: copy(&plugin.path)?, ..plugin }))
            .collect::<Result<Vec<_>>>()?;
        Ok(Products { folder, host, library_host, plugins })
    }
}

pub(crate) fn is_dynamic_library(artifact: &Artifact) -> bool {
    artifact.target.kind.contains(&TargetKind::CDyLib)
}

/// The file of a dynamic library.
pub(crate) fn dynamic_library(artifact: &Artifact) -> Result<PathBuf> {
    let library = artifact.filenames.iter().find(|file| file.extension() == Some(std::env::consts::DLL_EXTENSION));
    let name = &artifact.target.name;
    Ok(library.with_context(|| format!("cargo names no dynamic library for {name}"))?.clone().into())
}

/// Runs a cargo command and returns the artifacts that it reports. Its diagnostics go to stderr while it runs.
pub(crate) fn artifacts_of(mut command: Command) -> Result<Vec<Artifact>> {
    let shown = process::describe(&command);
    command.arg("--message-format=json-render-diagnostics").env_remove("CARGO_TERM_COLOR");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {shown}"))?;
    let mut artifacts = Vec::new();
    let stdout = child.stdout.take().with_context(|| format!("no output to read from {shown}"))?;
    for message in Message::parse_stream(BufReader::new(stdout)) {
        let message = message.with_context(|| format!("cannot read the messages of {shown}"))?;
        if let Message::CompilerArtifact(artifact) = message {
            artifacts.push(artifact);
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for {shown}"))?;
    ensure!(status.success(), "{shown}: {status}; its messages are above");
    Ok(artifacts)
}

fn build_name(setting: Setting) -> String {
    format!("build {}", setting.name())
}

const NO_SANITIZER: &str = "AddressSanitizer is only used on Linux with glibc, on x86_64 and aarch64";

/// The target triple of this platform if AddressSanitizer is used on it.
fn sanitizer_target() -> Option<&'static str> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return None;
    }
    match std::env::consts::ARCH {
        "x86_64" => Some("x86_64-unknown-linux-gnu"),
        "aarch64" => Some("aarch64-unknown-linux-gnu"),
        _ => None,
    }
}

/// The output of a command if it succeeds.
fn answer(mut command: Command, argument: &str) -> Option<String> {
    let finished = process::capture(command.arg(argument), None).ok()?;
    finished.success().then_some(finished.stdout)
}

/// The reason if there is no nightly toolchain.
fn why_no_cargo_nightly(root: &Path) -> Option<String> {
    let works = answer(process::nightly("cargo", root), "--version").is_some();
    (!works).then(|| "`cargo +nightly --version` fails; run `rustup toolchain install nightly`".into())
}

/// The reason if there are not two different compilers.
fn why_no_nightly(root: &Path) -> Option<String> {
    if let Some(reason) = why_no_cargo_nightly(root) {
        return Some(reason);
    }
    let mut current = Command::new("rustc");
    process::clean_environment(&mut current);
    current.current_dir(root);
    let nightly = answer(process::nightly("rustc", root), "-vV");
    if nightly.is_some() && nightly == answer(current, "-vV") {
        return Some("the current toolchain is that nightly, so there are no two compilers to mix".into());
    }
    None
}
