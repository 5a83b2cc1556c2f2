//! `cargo xtask bench` measures times and sizes, and compares them with those of std and of other crates.
//!
//! | module     | what it does |
//! |------------|--------------|
//! | `rows`     | defines the rows of the table: what is compared with what, and the targets |
//! | `group`    | defines the groups of measurements that the rows use |
//! | `products` | builds the binaries that are measured, each at most once |
//! | `measure`  | runs the hosts that take the samples of a group |
//! | `builds`   | takes the samples of builds: sizes, packages, times of compiling |
//! | `judge`    | computes ratios and verdicts from samples |
//! | `table`    | formats the table for a terminal and for a document |
//! | `chart`    | draws the chart |
//! | `document` | rewrites the measured part of `docs/performance.md` |
//!
//! The names that this program shares with the hosts are in the crate `bench-plan`.

mod builds;
mod chart;
mod document;
mod group;
mod judge;
mod measure;
mod products;
mod rows;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::build::Workspace;
use crate::process;
use crate::report::Report;
use products::Products;

/// Samples of a group, by label. Times are in nanoseconds, sizes in bytes.
type GroupSamples = BTreeMap<String, Vec<f64>>;

/// Samples by the name of the group.
type Samples = BTreeMap<String, GroupSamples>;

/// The options of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Takes fewer and shorter samples, and leaves out what takes long with many items.
    #[arg(long)]
    quick: bool,
    /// Measures only the rows whose name contains this, and builds only what they need.
    #[arg(long, value_name = "SUBSTRING")]
    filter: Option<String>,
}

/// Builds the binaries, measures the rows, and prints the table.
pub(crate) fn run(options: &Options, workspace: &Workspace, report: &Report) -> Result<ExitCode> {
    let rows = rows::chosen(options.quick, options.filter.as_deref());
    ensure!(
        !rows.is_empty(),
        "no row has a name that contains the filter; the names are: {}",
        rows::names(options.quick).join("; ")
    );
    let groups: BTreeSet<_> = rows.iter().flat_map(rows::Row::groups).collect();

    let mut products = Products::new(workspace, report);
    for &group in &groups {
        products.build_for(group)?;
    }
    report.heading("measure");
    report.expect(groups.len(), "measure");
    let mut samples = Samples::new();
    for &group in &groups {
        let name = group.to_string();
        report.started(&name);
        let start = Instant::now();
        let measured = measure::run(group, options.quick, &mut products);
        samples.insert(name.clone(), measured.with_context(|| format!("cannot measure {name}"))?);
        report.passed(&name, start.elapsed());
    }
    report.expect_nothing();

    let folder = workspace.target().join("bench");
    let file = folder.join("samples.json");
    fs::write(&file, serde_json::to_vec(&samples)?).with_context(|| format!("cannot write {}", file.display()))?;
    let plots = measure::plot(&samples, &groups, workspace, &mut products)?;

    let results = rows.iter().map(|row| judge::judge(row, &samples)).collect::<Result<Vec<_>>>()?;
    println!("\n{}\n", table::for_terminal(&results));
    println!("{}", judge::summary(&results));
    if options.quick {
        println!("{}", rows::LEFT_OUT_BY_QUICK);
    }
    println!("all samples: {}", workspace.relative(&file).display());
    if let Some(plots) = plots {
        println!("their plots: {}", workspace.relative(&plots).display());
    }
    if options.quick || options.filter.is_some() {
        println!("docs/performance.md is unchanged: only a full run rewrites it");
    } else {
        document::write(&workspace.root, &results, &samples)?;
        println!("written: docs/performance.md, docs/performance.svg");
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command and returns its stdout. Fails if the command does.
fn output_of(command: &mut Command) -> Result<String> {
    let finished = process::capture(command, None)?;
    ensure!(
        finished.success(),
        "{}: {}\n{}{}",
        process::describe(command),
        finished.how_it_ended(),
        finished.stdout,
        finished.stderr
    );
    Ok(finished.stdout)
}

/// Removes a folder with everything in it, if it exists.
fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
