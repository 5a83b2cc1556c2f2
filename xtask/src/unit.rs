//! Runs the crates' own tests with each relevant set of features, and counts them.

use crate::build::Workspace;
use crate::process::{self, Finished};
use crate::report::{Counts, Report};

use anyhow::Result;

/// The arguments of each `cargo test`.
const RUNS: &[&[&str]] = &[
    &["-p", "plugin_tls_macros", "-p", "plugin_tls_abi", "-p", "plugin_tls_store"],
    // Each alone, so that no other package turns on features of its dependencies.
    &["-p", "plugin_tls_core"],
    &["-p", "plugin_tls_abi_stable"],
    &["-p", "plugin_tls"],
    &["-p", "plugin_tls", "--features", "host"],
    &["-p", "plugin_tls", "--features", "host,plugin"],
    // A crate that declares items and depends on the core only; plugins' crates.
    &["-p", "demo-api"],
    &[
        "-p",
        "test-plugin-first",
        "-p",
        "test-plugin-api",
        "-p",
        "test-plugin-linked-one",
        "-p",
        "test-plugin-linked-two",
    ],
    &["-p", "test-host", "-p", "test-hidden-api", "-p", "xtask", "-p", "test-plan", "-p", "bench-plan"],
];

/// Runs the tests of every crate. Reports failures instead of returning them.
pub(crate) fn run(workspace: &Workspace, report: &Report) -> Result<()> {
    report.heading("the crates' own tests");
    report.expect(RUNS.len(), "cargo test");
    for arguments in RUNS {
        let mut command = process::cargo(&workspace.root);
        command.args(["test", "--no-fail-fast"]).args(*arguments);
        let name = format!("cargo test {}", arguments.join(" "));
        report.started(&name);
        let finished = process::capture_merged(&mut command)?;
        match judge(&finished) {
            (counts, None) => report.tests(&name, counts, finished.elapsed),
            (counts, Some(what)) => {
                let again = process::describe(&command);
                let output = finished.stdout;
                report.tests_failed(&name, counts, &format!("{what}\nto run again: {again}\n--- output\n{output}"));
            }
        }
    }
    report.expect_nothing();
    Ok(())
}

/// The counts of a `cargo test`, and a description of the failure if there is one.
fn judge(finished: &Finished) -> (Counts, Option<String>) {
    let ended = finished.how_it_ended();
    match count(&finished.stdout) {
        Some(counts) if counts.failed > 0 => (counts, Some(format!("{counts} ({ended})"))),
        Some(counts) if finished.success() => (counts, None),
        // A test target did not compile, or a test ended its process.
        Some(counts) => (Counts { failed: 1, ..counts }, Some(format!("no test failed, but cargo did: {ended}"))),
        None => (Counts { failed: 1, ..Counts::default() }, Some(format!("no test ran: {ended}"))),
    }
}

/// The sum of libtest's `test result:` lines, with those of doc tests. `None` if there is no such line.
fn count(output: &str) -> Option<Counts> {
    output.lines().filter_map(count_line).reduce(|mut sum, counts| {
        sum.add(counts);
        sum
    })
}

/// Parses `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
fn count_line(line: &str) -> Option<Counts> {
    let (_verdict, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        numbers.split(';').find_map(|part| {
            let (number, unit) = part.trim().split_once(' ')?;
            if unit == what { number.parse().ok() } else { None }
        })
    };
    Some(Counts { passed: number("passed")?, failed: number("failed")?, skipped: number("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s";
    const BAD: &str = "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";

    #[test]
    fn result_lines_are_read() {
        assert_eq!(count_line(OK), Some(Counts { passed: 3, failed: 0, skipped: 1 }));
        assert_eq!(count_line(BAD), Some(Counts { passed: 10, failed: 2, skipped: 0 }));
        for other in ["", "running 3 tests", "test result: ok.", "test a::result ... ok", "test result: ok. x passed;"]
        {
            assert_eq!(count_line(other), None, "{other}");
        }
    }

    #[test]
    fn every_binary_and_the_doc_tests_add_up() {
        let output = format!("     Running unittests src/lib.rs\n{OK}\n\n   Doc-tests plugin_tls\n{BAD}\n");
        assert_eq!(count(&output), Some(Counts { passed: 13, failed: 2, skipped: 1 }));
        assert_eq!(count("error: could not compile `plugin_tls`\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_run_without_failed_tests_may_still_have_failed() {
        use std::os::unix::process::ExitStatusExt;
        use std::process::ExitStatus;
        use std::time::Duration;

        let judged = |output: &str, code: i32| {
            let status = Some(ExitStatus::from_raw(code << 8));
            let finished = Finished { status, stdout: output.into(), stderr: String::new(), elapsed: Duration::ZERO };
            let (counts, what) = judge(&finished);
            (counts.passed, counts.failed, counts.skipped, what.is_some())
        };
        assert_eq!(judged(OK, 0), (3, 0, 1, false));
        assert_eq!(judged(BAD, 101), (10, 2, 0, true));
        assert_eq!(judged(OK, 101), (3, 1, 1, true), "another binary crashed");
        assert_eq!(judged("error: could not compile", 101), (0, 1, 0, true));
        assert_eq!(judged("", 0), (0, 1, 0, true), "no test was counted");
    }
}
