//! The commands of this repository: `cargo xtask demo | test-plugins | edits | check | ci | hot-path | bench`. This file is
//! the command line only.

mod bench;
mod build;
mod checks;
mod dependencies;
mod edits;
mod hot_path;
mod layers;
mod process;
mod readme;
mod report;
mod scenarios;
mod settings;
mod unit;
mod unsafe_code;
mod user_workspace;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::build::Builder;
use crate::report::Report;
use crate::settings::Setting;

/// The commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the test host and its plugins, and run a short tour of the library.
    Demo,
    /// Run every scenario with real plugins in every setting, then the crates' own tests.
    ///
    /// Each scenario runs in a process of its own, so that a crash or a hang fails only that scenario. The last line of
    /// the output is `N passed, N failed`.
    TestPlugins(TestPlugins),
    /// Run the part of `test-plugins` that edits crates between the builds of a host and its plugins.
    Edits,
    /// Run the first part of `ci`: dependencies between files and packages, formatting, lints, documentation.
    Check,
    /// Run all checks that must pass before a change is merged: formatting, lints, documentation, the direction of
    /// dependencies between files, `test-plugins`, the length of the hot path.
    Ci,
    /// Check the number of instructions of the hot path, in the host and in a plugin.
    HotPath,
    /// Measure times, sizes and builds, side by side with std and with other crates.
    ///
    /// Prints one table with ratios and leaves a report with plots. A full run also writes docs/performance.md and its
    /// chart. Nothing fails because it is slow.
    Bench(bench::Options),
}

#[derive(Debug, Args)]
struct TestPlugins {
    /// Run only the scenarios whose name contains this.
    #[arg(long, value_name = "SUBSTRING")]
    filter: Option<String>,
    /// Run only this setting. Can be given several times.
    #[arg(long = "setting", value_name = "NAME", value_enum)]
    settings: Vec<Setting>,
    /// Run only scenarios, without the crates' own tests, the README's example, the edits between two builds and the
    /// checks of plugins' contents.
    #[arg(long)]
    no_unit: bool,
    /// Seconds after which a scenario counts as hanging and is killed.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl Default for TestPlugins {
    fn default() -> Self {
        Self { filter: None, settings: Vec::new(), no_unit: false, timeout: 60 }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let report = Report::new();
    let mut builder = Builder::new(&report)?;
    match command {
        Command::Bench(options) => return bench::run(&options, builder.workspace(), &report),
        Command::Demo => return scenarios::demo(&mut builder),
        Command::TestPlugins(options) => test_plugins(&options, &mut builder, &report)?,
        Command::Edits => edits::run(builder.workspace(), &report)?,
        Command::Check => source_checks(&builder, &report)?,
        Command::HotPath => hot_path::check(&mut builder, &report)?,
        Command::Ci => {
            source_checks(&builder, &report)?;
            test_plugins(&TestPlugins::default(), &mut builder, &report)?;
            hot_path::check(&mut builder, &report)?;
        }
    }
    Ok(report.finish())
}

/// What can be checked without running plugins.
fn source_checks(builder: &Builder<'_>, report: &Report) -> Result<()> {
    layers::run(builder.workspace(), report)?;
    dependencies::run(builder.workspace(), report)?;
    unsafe_code::run(builder.workspace(), report)?;
    checks::lints(builder.workspace(), report)
}

fn test_plugins(options: &TestPlugins, builder: &mut Builder<'_>, report: &Report) -> Result<()> {
    let selection = scenarios::Selection {
        filter: options.filter.as_deref(),
        settings: Setting::chosen(&options.settings),
        timeout: Duration::from_secs(options.timeout),
    };
    scenarios::run(&selection, builder, report)?;
    if !options.no_unit {
        checks::plugin_only(builder, report)?;
        readme::run(builder.workspace(), report)?;
        edits::run(builder.workspace(), report)?;
        unit::run(builder.workspace(), report)?;
    }
    Ok(())
}
