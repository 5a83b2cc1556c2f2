//! `cargo xtask bench`: how fast and how large things are, side by side with std and with other crates.
//!
//! | module     | what it does |
//! |------------|--------------|
//! | `rows`     | the rows of the table: what is compared with what, and the targets |
//! | `group`    | the groups of measurements that rows are made of |
//! | `products` | builds what groups need, each at most once |
//! | `measure`  | has hosts take the samples of a group |
//! | `builds`   | samples of builds: sizes, packages, how long compiling takes |
//! | `judge`    | from samples to ratios and verdicts |
//! | `table`    | the table, for a terminal and for a document |
//! | `chart`    | the chart |
//! | `document` | `docs/performance.md` |

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
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::build::Workspace;
use crate::report::Report;
use products::Products;

/// Samples by group, and in a group by the label of what was measured. Times are nanoseconds, sizes are bytes.
type Samples = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// How `cargo xtask bench` is called.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Fewer and shorter samples, fewer items where a build would take long, no thousand items on a thread.
    #[arg(long)]
    quick: bool,
    /// Only the rows whose name contains this; what they do not need is not built.
    #[arg(long, value_name = "SUBSTRING")]
    filter: Option<String>,
}

/// Builds, measures, and shows.
pub(crate) fn run(options: &Options, workspace: &Workspace, report: &Report) -> Result<ExitCode> {
    let rows = rows::chosen(options.quick, options.filter.as_deref());
    ensure!(!rows.is_empty(), "no row has that in its name; all names: {}", rows::names(options.quick).join("; "));
    let groups: BTreeSet<_> = rows.iter().flat_map(rows::Row::groups).collect();

    let mut products = Products::new(workspace, report);
    for group in &groups {
        products.build_for(group)?;
    }
    report.heading("measure");
    report.expect(groups.len(), "measure");
    let mut samples = Samples::new();
    for group in &groups {
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

    let results = rows.iter().map(|row| row.judge(&samples)).collect::<Result<Vec<_>>>()?;
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
        println!("docs/performance.md stays as it is: only a full run writes it");
    } else {
        document::write(&workspace.root, &results, &samples)?;
        println!("written: docs/performance.md, docs/performance.svg");
    }
    Ok(ExitCode::SUCCESS)
}
