//! Counts results, shows progress, and prints the summary.
//!
//! Results and the summary go to stdout. If stderr is a terminal, a progress bar on stderr replaces the lines of
//! results that passed.

use std::fmt;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The numbers of tests, scenarios and checks that passed, failed and were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

impl Counts {
    pub(crate) fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Collects the results of one run of this program. The threads that run scenarios share it.
#[derive(Debug)]
pub(crate) struct Report {
    tally: Mutex<Tally>,
    bar: ProgressBar,
    /// Whether stderr is a terminal, so that the bar is visible.
    terminal: bool,
}

#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    /// The names of failed results. The summary repeats them, because their output may be far above it.
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let terminal = !bar.is_hidden();
        Self { tally: Mutex::default(), bar, terminal }
    }

    /// Prints a line that says what comes next.
    pub(crate) fn heading(&self, text: &str) {
        self.line(&format!("== {text}"));
    }

    /// Shows a progress bar for `total` results.
    pub(crate) fn expect(&self, total: usize, what: &str) {
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {prefix}: {wide_msg}") {
            self.bar.set_style(style);
        }
        self.bar.reset();
        self.bar.set_length(total as u64);
        self.bar.set_prefix(what.to_owned());
        if self.terminal {
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    /// Removes the progress bar, for example because cargo draws its own.
    pub(crate) fn expect_nothing(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }

    /// Shows the name of a check that is running.
    pub(crate) fn started(&self, name: &str) {
        self.bar.set_message(name.to_owned());
    }

    pub(crate) fn passed(&self, name: &str, elapsed: Duration) {
        self.tests(name, Counts { passed: 1, ..Counts::default() }, elapsed);
    }

    /// Reports several tests, which passed or were skipped, as one result.
    pub(crate) fn tests(&self, name: &str, counts: Counts, elapsed: Duration) {
        self.tally().counts.add(counts);
        if !self.terminal {
            let sum = if counts.passed == 1 && counts.skipped == 0 { String::new() } else { format!("{counts}; ") };
            self.line(&format!("ok      {name} ({sum}{:.1} s)", elapsed.as_secs_f64()));
        }
        self.bar.inc(1);
    }

    /// Reports a failure. `detail` has everything that the reader needs to find the cause.
    pub(crate) fn failed(&self, name: &str, detail: &str) {
        self.tests_failed(name, Counts { failed: 1, ..Counts::default() }, detail);
    }

    /// Reports several tests, of which at least one failed, as one result.
    pub(crate) fn tests_failed(&self, name: &str, counts: Counts, detail: &str) {
        let mut tally = self.tally();
        tally.counts.add(counts);
        tally.failures.push(name.to_owned());
        drop(tally);
        let mut text = format!("FAILED  {name}");
        for line in detail.trim_end().lines() {
            text.push_str("\n    ");
            text.push_str(line);
        }
        self.line(&text);
        self.bar.inc(1);
    }

    pub(crate) fn skipped(&self, name: &str, count: usize, reason: &str) {
        self.tally().counts.skipped += count;
        self.line(&format!("skipped {name} ({count}): {reason}"));
        self.bar.inc(1);
    }

    /// Prints the summary and returns the exit code.
    pub(crate) fn finish(&self) -> ExitCode {
        self.expect_nothing();
        let tally = self.tally();
        if !tally.failures.is_empty() {
            println!("\nfailed:");
            for name in &tally.failures {
                println!("    {name}");
            }
        }
        println!("\n{}", tally.counts);
        if tally.counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn line(&self, text: &str) {
        // A single call of `println`, so that lines of several threads do not mix.
        self.bar.suspend(|| println!("{text}"));
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_skipped_results_only_if_there_are_some() {
        let mut counts = Counts { passed: 12, failed: 0, skipped: 0 };
        assert_eq!(counts.to_string(), "12 passed, 0 failed");
        counts.add(Counts { passed: 1, failed: 2, skipped: 3 });
        assert_eq!(counts.to_string(), "13 passed, 2 failed, 3 skipped");
    }

    #[test]
    fn a_report_counts_every_kind_of_result() {
        let report = Report::new();
        report.passed("a", Duration::ZERO);
        report.tests("b", Counts { passed: 4, failed: 0, skipped: 1 }, Duration::ZERO);
        assert_eq!(report.finish(), ExitCode::SUCCESS);
        report.failed("c", "why");
        report.skipped("d", 5, "no nightly");
        report.tests_failed("e", Counts { passed: 1, failed: 2, skipped: 0 }, "why");
        let tally = report.tally();
        assert_eq!(tally.counts, Counts { passed: 6, failed: 3, skipped: 6 });
        assert_eq!(tally.failures, ["c", "e"]);
        drop(tally);
        assert_eq!(report.finish(), ExitCode::FAILURE);
    }
}
