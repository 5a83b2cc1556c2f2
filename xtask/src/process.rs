//! Runs child processes with a clean environment, captured output and a timeout.
//!
//! Output is captured in files instead of pipes. If a process is killed, its children may keep its pipes open, and
//! reading the pipes would wait for them.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use wait_timeout::ChildExt;

/// How a process ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Finished {
    /// `None` if the process did not end in time and was killed.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
}

impl Finished {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    pub(crate) fn how_it_ended(&self) -> String {
        match self.status {
            Some(status) => status.to_string(),
            None => format!("killed after {} s", self.elapsed.as_secs()),
        }
    }
}

/// Runs a command without stdin, and captures stdout and stderr.
pub(crate) fn capture(command: &mut Command, timeout: Option<Duration>) -> Result<Finished> {
    let stdout = tempfile::tempfile().context("cannot create a temporary file for the output of a process")?;
    let stderr = tempfile::tempfile().context("cannot create a temporary file for the output of a process")?;
    finish(command, timeout, stdout, Some(stderr))
}

/// Like [`capture`] without a timeout, but stdout has the output of both streams in the order in which it was written.
pub(crate) fn capture_merged(command: &mut Command) -> Result<Finished> {
    let output = tempfile::tempfile().context("cannot create a temporary file for the output of a process")?;
    finish(command, None, output, None)
}

fn finish(command: &mut Command, timeout: Option<Duration>, stdout: File, stderr: Option<File>) -> Result<Finished> {
    let duplicate = |file: &File| file.try_clone().context("cannot duplicate the handle of a temporary file");
    let stderr_target = duplicate(stderr.as_ref().unwrap_or(&stdout))?;
    command.stdin(Stdio::null()).stdout(duplicate(&stdout)?).stderr(stderr_target);

    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", describe(command)))?;
    let waiting = || format!("cannot wait for {}", describe(command));
    let status = match timeout {
        None => Some(child.wait().with_context(waiting)?),
        Some(timeout) => {
            let status = child.wait_timeout(timeout).with_context(waiting)?;
            if status.is_none() {
                child.kill().with_context(|| format!("cannot kill {}", describe(command)))?;
                child.wait().with_context(waiting)?;
            }
            status
        }
    };
    let elapsed = start.elapsed();
    let stderr = stderr.map(read_back).transpose()?.unwrap_or_default();
    Ok(Finished { status, stdout: read_back(stdout)?, stderr, elapsed })
}

fn read_back(mut file: File) -> Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .context("cannot read the captured output of a process")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The command line, for messages.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    // `$CARGO` is an absolute path into the toolchain, which does not help the reader.
    let program = if program.file_stem().is_some_and(|stem| stem == "cargo") { Path::new("cargo") } else { program };
    let mut text = program.display().to_string();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// A command for the cargo that runs this program, in the folder `root`.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    clean_environment(&mut command);
    // Output is parsed, so it must not be coloured.
    command.env("CARGO_TERM_COLOR", "never").current_dir(root);
    command
}

/// What `cargo tree` prints with these arguments: a line for each package, which starts with the name.
pub(crate) fn tree(root: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = cargo(root);
    command.arg("tree").args(arguments).args(["--prefix", "none"]);
    let finished = capture(&mut command, None)?;
    ensure!(finished.success(), "{}: {}\n{}", describe(&command), finished.how_it_ended(), finished.stderr);
    Ok(finished.stdout)
}

/// The names of the packages in `tree`, which [`tree`] has returned for `package`.
pub(crate) fn packages_in<'a>(tree: &'a str, package: &str) -> Result<Vec<&'a str>> {
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    ensure!(names.contains(&package), "the package {package} is not in its own tree:\n{tree}");
    Ok(names)
}

/// A command for `program` (cargo or rustc) of the nightly toolchain, through rustup.
pub(crate) fn nightly(program: &str, root: &Path) -> Command {
    // `$CARGO` would be the current toolchain's cargo, which does not accept `+nightly`.
    let mut command = Command::new(program);
    clean_environment(&mut command);
    command
        .arg("+nightly")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTUP_AUTO_INSTALL", "0")
        .env("CARGO_TERM_COLOR", "never")
        .current_dir(root);
    command
}

/// Removes the variables that `cargo run` set for this program. They would make build scripts run again, and libraries
/// would be found in the wrong folder.
pub(crate) fn clean_environment(command: &mut Command) {
    for (name, value) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if is_cargo_runs_own(text) {
            command.env_remove(&name);
        } else if matches!(text, "LD_LIBRARY_PATH" | "DYLD_FALLBACK_LIBRARY_PATH") {
            match without_build_folders(&value) {
                Some(value) => command.env(&name, value),
                None => command.env_remove(&name),
            };
        }
    }
}

/// Whether `cargo run` sets this variable for the program that it runs. Variables of the user are not among them.
fn is_cargo_runs_own(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "CARGO",
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MAKEFLAGS",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_LINKS",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    NAMES.contains(&name) || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_EXE_")
}

/// A library search path without the folders of this program's build and of its toolchain. `None` if no folder is left.
fn without_build_folders(value: &OsString) -> Option<OsString> {
    let build = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let rustup = env::var_os("RUSTUP_HOME").map(std::path::PathBuf::from);
    let is_ours = |path: &Path| [&build, &rustup].into_iter().flatten().any(|folder| path.starts_with(folder));
    let kept: Vec<_> = env::split_paths(value).filter(|path| !path.as_os_str().is_empty() && !is_ours(path)).collect();
    if kept.is_empty() { None } else { env::join_paths(kept).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_cargo_run_are_removed_and_those_of_the_user_are_kept() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "OUT_DIR", "CARGO_BIN_EXE_a"] {
            assert!(is_cargo_runs_own(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "PATH"] {
            assert!(!is_cargo_runs_own(name), "{name}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_process_that_does_not_end_is_killed_and_its_output_is_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$; echo err >&2; exec sleep 60"]);
        let finished = capture(&mut command, Some(Duration::from_millis(300))).expect("sh runs");
        assert_eq!((finished.status, finished.success()), (None, false));
        assert_eq!(finished.stderr, "err\n");
        let lives = Command::new("sh").args(["-c", &format!("kill -0 {}", finished.stdout)]).status();
        assert!(!lives.expect("sh runs").success(), "process {} still runs", finished.stdout.trim());
        assert!(finished.elapsed < Duration::from_secs(30));
    }

    #[test]
    #[cfg(unix)]
    fn merged_output_keeps_its_order() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 1; echo 2 >&2; echo 3; exit 7"]);
        let finished = capture_merged(&mut command).expect("sh runs");
        assert_eq!(finished.stdout, "1\n2\n3\n");
        assert_eq!(finished.how_it_ended(), "exit status: 7");
    }
}
