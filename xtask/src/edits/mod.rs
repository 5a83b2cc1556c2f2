//! What people do with hot reload: they edit a crate that host and plugin link, build the plugin alone, and load it into
//! the host of before. It must be refused if a type changed, and shared if nothing did.
//!
//! Each case is a crate of its own, with a plugin of its own, and one host links them all. So each kind of edit takes one
//! build, and each plugin is judged alone, in a process of its own.

mod cases;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::build::Workspace;
use crate::process;
use crate::report::Report;
use crate::user_workspace::UserWorkspace;
use cases::{CASES, Case, Expected};

const HEADING: &str = "edits between the builds of host and plugin";
const HOST: &str = "edits-host";
/// The folder of the first builds.
const DEBUG: &str = "debug";
const RELEASE: &str = "release";

const OTHER_FLAGS: Expected =
    Expected::Refused(&["fields: built with `--cfg wide` in libfields_plugin.so, without in edits-host"]);
const OTHER_PROFILE: Expected =
    Expected::Refused(&["fields: built with debug-assertions on in edits-host, off in libfields_plugin.so"]);

/// Edits, builds and loads. A check for each case and kind of edit.
pub(crate) fn run(workspace: &Workspace, report: &Report) -> Result<()> {
    report.heading(HEADING);
    if let Err(error) = Edits::write(workspace, report).and_then(|edits| edits.check()) {
        report.failed(HEADING, &format!("{error:#}"));
    }
    Ok(())
}

#[derive(Debug)]
struct Edits<'a> {
    user: UserWorkspace,
    report: &'a Report,
}

/// A crate whose item host and plugin declare.
#[derive(Debug)]
struct Crate<'a>(&'a Case);

impl<'a> Edits<'a> {
    /// Writes everything as it is before the edits.
    fn write(workspace: &Workspace, report: &'a Report) -> Result<Self> {
        let user = UserWorkspace::new(workspace, "edits", &["crates/*", "plugins/*", "host"])?;
        let (mut dependencies, mut calls) = (String::new(), String::new());
        for case in CASES {
            let name = case.name;
            for (path, text) in Crate(case).files() {
                user.put(&path, &text)?;
            }
            writeln!(dependencies, "{name} = {{ path = \"../crates/{name}\" }}")?;
            writeln!(calls, "        \"{name}\" => {name}::address(),")?;
        }
        user.put(
            "host/Cargo.toml",
            &format!(
                "{}plugin_tls = {{ version = \"0.5\", features = [\"host\"] }}\n{dependencies}",
                package(HOST, "")
            ),
        )?;
        user.put("host/src/main.rs", &HOST_TEXT.replace("CALLS", &calls))?;
        Ok(Edits { user, report })
    }

    fn check(&self) -> Result<()> {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        let host = self.build_host(&[], DEBUG)?;
        self.build_plugins(&[], &names)?;
        self.judge_shared("nothing edited", &host, DEBUG, &names)?;

        for case in CASES {
            let krate = Crate(case);
            let (path, text) = krate.library();
            let commented = text.replace(" {\n", " { // Another.\n\n").replace(", ", ",/* A third. */ ");
            self.user.put(&path, &format!("// A comment.\n{commented}\n"))?;
            let (path, text) = krate.plugin();
            self.user.put(&path, &format!("{text}\npub fn other() -> usize {{\n    address() + 1\n}}\n"))?;
        }
        self.build_plugins(&[], &names)?;
        self.judge_shared("comments and the plugin edited", &host, DEBUG, &names)?;

        self.restore()?;
        self.user.cargo(&["build", "--workspace"])?;
        self.judge_shared("files touched and all packages built at once", &host, DEBUG, &names)?;

        for case in CASES {
            let mut files = Crate(case).files();
            for (path, from, to) in case.edits {
                let file = files.iter_mut().find(|(file, _)| file == path);
                let (_, text) = file.with_context(|| format!("{}: there is no file {path}", case.name))?;
                ensure!(text.contains(from), "{}: {path} has no {from}", case.name);
                *text = text.replace(from, to);
            }
            for (path, text) in files {
                self.user.put(&path, &text)?;
            }
        }
        self.build_plugins(&[], &names)?;
        for case in CASES {
            self.judge(&format!("{} edited", case.what), &host, DEBUG, case.name, &case.expected)?;
        }
        self.restore()?;
        self.check_settings(&host)
    }

    /// Builds that differ in settings and not in sources.
    fn check_settings(&self, debug_host: &Path) -> Result<()> {
        let flags = ["--config", "build.rustflags = ['--cfg', 'wide']"];
        self.build_plugins(&flags, &["fields", "described"])?;
        self.judge("flags for the plugin: fields", debug_host, DEBUG, "fields", &OTHER_FLAGS)?;
        self.judge_shared("flags for the plugin", debug_host, DEBUG, &["described"])?;

        self.build_plugins(&["--release"], &["fields", "described"])?;
        self.judge("release plugin, debug host: fields", debug_host, RELEASE, "fields", &OTHER_PROFILE)?;
        self.judge_shared("release plugin, debug host", debug_host, RELEASE, &["described"])?;
        let host = self.build_host(&["--release"], RELEASE)?;
        self.judge_shared("release plugin and host", &host, RELEASE, &["fields", "described"])
    }

    /// Writes all files as they were at first.
    fn restore(&self) -> Result<()> {
        for case in CASES {
            for (path, text) in Crate(case).files() {
                self.user.put(&path, &text)?;
            }
        }
        Ok(())
    }

    /// Builds the host, and keeps it where no other build finds it.
    fn build_host(&self, arguments: &[&str], folder: &str) -> Result<PathBuf> {
        self.user.cargo(&[&["build", "-p", HOST], arguments].concat())?;
        let built = self.user.executable(folder, HOST);
        let kept = self.user.folder.join("kept").join(folder).join(built.file_name().unwrap_or_default());
        fs::create_dir_all(self.user.folder.join("kept").join(folder))
            .context("cannot create a folder for the host")?;
        fs::copy(&built, &kept).with_context(|| format!("cannot copy {}", built.display()))?;
        Ok(kept)
    }

    fn build_plugins(&self, arguments: &[&str], names: &[&str]) -> Result<()> {
        let mut command = [&["build"], arguments].concat();
        let packages: Vec<String> = names.iter().map(|name| plugin_name(name)).collect();
        packages.iter().for_each(|package| command.extend(["-p", package]));
        self.user.cargo(&command).map(drop)
    }

    fn judge_shared(&self, what: &str, host: &Path, folder: &str, names: &[&str]) -> Result<()> {
        names.iter().try_for_each(|name| self.judge(&format!("{what}: {name}"), host, folder, name, &Expected::Shared))
    }

    /// Loads the plugin of the case `name` into the host. One check.
    fn judge(&self, what: &str, host: &Path, folder: &str, name: &str, expected: &Expected) -> Result<()> {
        let start = Instant::now();
        let mut command = Command::new(host);
        process::clean_environment(&mut command);
        command.arg(self.user.library(folder, &plugin_name(name))).arg(name);
        let finished = process::capture(&mut command, None)?;
        let printed = finished.stdout.trim();
        let verdict = match expected {
            _ if !finished.success() => Err(finished.how_it_ended()),
            Expected::Shared if printed == "shared" => Ok(()),
            Expected::Shared => Err("it must be shared".to_owned()),
            Expected::Refused(words) => match words.iter().find(|words| !printed.contains(**words)) {
                _ if printed == "shared" || printed == "apart" => Err("it must be refused".to_owned()),
                Some(words) => Err(format!("it must be refused with the words: {words}")),
                None => Ok(()),
            },
        };
        match verdict {
            Ok(()) => self.report.passed(what, start.elapsed()),
            Err(problem) => {
                self.report.failed(what, &format!("{problem}; the host printed:\n{printed}\n{}", finished.stderr))
            }
        }
        Ok(())
    }
}

fn plugin_name(case: &str) -> String {
    format!("{case}_plugin")
}

/// The start of a manifest, up to its dependencies.
fn package(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{more}\n[dependencies]\n")
}

impl Crate<'_> {
    /// All files of the case, by their paths in the workspace.
    fn files(&self) -> Vec<(String, String)> {
        let Crate(Case { name, manifest, files, .. }) = self;
        let core = format!("{} = \"0.5\"\n", self.0.declares_with);
        let in_plugin = format!(
            "plugin_tls = {{ version = \"0.5\", features = [\"plugin\"] }}\n\
                                 {name} = {{ path = \"../../crates/{name}\" }}\n"
        );
        let mut all = vec![
            (format!("crates/{name}/Cargo.toml"), package(name, "") + &core + manifest),
            (
                format!("plugins/{name}/Cargo.toml"),
                package(&plugin_name(name), "\n[lib]\ncrate-type = [\"cdylib\"]\n") + &in_plugin,
            ),
            self.library(),
            self.plugin(),
        ];
        all.extend(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
        all
    }

    /// The root module of the crate that declares the item.
    fn library(&self) -> (String, String) {
        let text = format!("{}\n{}", self.0.library, ITEM.replace("CORE", self.0.declares_with));
        (format!("crates/{}/src/lib.rs", self.0.name), text)
    }

    fn plugin(&self) -> (String, String) {
        (format!("plugins/{}/src/lib.rs", self.0.name), PLUGIN_TEXT.replace("API", self.0.name))
    }
}

const ITEM: &str = "
CORE::lazy_static! {
    pub static ref ITEM: std::sync::Mutex<State> = std::sync::Mutex::default();
}

pub fn address() -> usize {
    std::ptr::from_ref(&*ITEM).addr()
}
";

const PLUGIN_TEXT: &str = "plugin_tls::export_plugin!();

#[unsafe(no_mangle)]
pub extern \"C\" fn address() -> usize {
    API::address()
}
";

const HOST_TEXT: &str = "use plugin_tls::host::Plugin;

fn address(name: &str) -> usize {
    match name {
CALLS        other => panic!(\"no case {other}\"),
    }
}

fn main() {
    let [path, name] = [1, 2].map(|at| std::env::args().nth(at).unwrap());
    let own = address(&name);
    // SAFETY: the plugin exports this function.
    let outcome = unsafe {
        Plugin::load(path).map(|plugin| {
            let address = plugin.get::<extern \"C\" fn() -> usize>(b\"address\").map(|address| address() == own);
            std::mem::forget(plugin);
            address
        })
    };
    match outcome {
        Ok(address) => println!(\"{}\", if address.unwrap() { \"shared\" } else { \"apart\" }),
        Err(error) => println!(\"{error}\"),
    }
}
";
