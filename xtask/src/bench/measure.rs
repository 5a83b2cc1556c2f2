//! Runs the hosts that take the samples of a group. Each group has its own processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use bench_plan::{Place, Timed};

use super::group::Group;
use super::products::{Kind, Products};
use super::{GroupSamples, Samples, builds, output_of, remove_folder};
use crate::build::Workspace;
use crate::process;

/// How much is measured.
struct Effort {
    /// How many samples of each subject are taken, and how long each takes. A sample is shorter than a time slice of
    /// the system's scheduler, so most samples are not interrupted.
    rounds: u32,
    microseconds: u32,
    /// The same for works that start threads. Each of their samples starts many.
    thread_rounds: u32,
    thread_microseconds: u32,
    /// How often a plugin is loaded for the first touch of its statics.
    reloads: u32,
    /// How many processes load a plugin of many items.
    loads: u32,
}

impl Effort {
    const FULL: Effort = Effort {
        rounds: 500,
        microseconds: 300,
        thread_rounds: 100,
        thread_microseconds: 5000,
        reloads: 100,
        loads: 33,
    };
    const QUICK: Effort =
        Effort { rounds: 80, microseconds: 200, thread_rounds: 25, thread_microseconds: 2500, reloads: 20, loads: 11 };
}

/// Measures a group.
pub(crate) fn run(group: Group, quick: bool, products: &mut Products<'_>) -> Result<GroupSamples> {
    let effort = if quick { &Effort::QUICK } else { &Effort::FULL };
    let thousand = group.needs_thousand();
    match group {
        Group::Timed(timed) => work(timed, thousand, effort, products),
        Group::Reload(items) => {
            let mut command = Command::new(products.host(false)?.join("bench-host"));
            command.arg("reload").arg("--plugin").arg(products.plugin(thousand)?);
            command.args(["--items", &items.to_string(), "--rounds", &effort.reloads.to_string()]);
            samples_of(command)
        }
        Group::Load(items) => {
            let mut all = GroupSamples::new();
            // With few items, the items are a small part of the time of a load, so more samples are needed.
            let loads = if items > 1000 { effort.loads } else { 3 * effort.loads };
            for _ in 0..loads {
                let mut command = Command::new(products.host(false)?.join("bench-host"));
                command.arg("load").arg("--plugin").arg(products.items(Kind::Ours, items)?);
                command.args(["--items", &items.to_string()]);
                for (label, samples) in samples_of(command)? {
                    all.entry(label).or_default().extend(samples);
                }
            }
            Ok(all)
        }
        Group::Memory(items) => {
            let mut command = Command::new(products.host(thousand)?.join("bench-memory"));
            command.arg(items.to_string());
            samples_of(command)
        }
        Group::Size(items) => builds::sizes(items, products),
        Group::Compile(profile, items) => builds::compile(profile, items, quick, products),
        Group::CleanBuild => builds::clean(products.workspace),
    }
}

fn work(timed: Timed, thousand: bool, effort: &Effort, products: &mut Products<'_>) -> Result<GroupSamples> {
    let (rounds, microseconds) = if timed.work.touches_on_threads() {
        (effort.thread_rounds, effort.thread_microseconds)
    } else {
        (effort.rounds, effort.microseconds)
    };
    let host = if timed.place == Place::Fallback { "bench-host-as-library" } else { "bench-host" };
    let mut command = Command::new(products.host(thousand)?.join(host));
    command.args(["work", &timed.to_string()]).arg("--plugin").arg(products.plugin(thousand)?);
    command.arg("--rubicon").arg(products.rubicon()?);
    command.args(["--rounds", &rounds.to_string(), "--microseconds", &microseconds.to_string()]);
    samples_of(command)
}

/// Runs a host that writes samples to stdout.
fn samples_of(mut command: Command) -> Result<GroupSamples> {
    process::clean_environment(&mut command);
    let output = output_of(command.env("RUST_BACKTRACE", "0"))?;
    serde_json::from_str(&output).with_context(|| format!("{} did not write samples", process::describe(&command)))
}

/// Lets criterion plot the samples of those groups that have plots. Returns the page to start from, or `None` if there
/// is nothing to plot.
pub(crate) fn plot(
    samples: &Samples,
    groups: &BTreeSet<Group>,
    workspace: &Workspace,
    products: &mut Products<'_>,
) -> Result<Option<PathBuf>> {
    let names: Vec<String> = groups.iter().filter(|group| group.has_plots()).map(Group::to_string).collect();
    let drawn: BTreeMap<_, _> = samples.iter().filter(|(name, _)| names.contains(name)).collect();
    if drawn.is_empty() {
        return Ok(None);
    }
    let file = workspace.target().join("bench").join("plotted.json");
    fs::write(&file, serde_json::to_vec(&drawn)?).with_context(|| format!("cannot write {}", file.display()))?;
    let folder = workspace.target().join("criterion");
    // Otherwise criterion would also list the groups of earlier runs.
    remove_folder(&folder)?;
    let mut command = Command::new(products.host(false)?.join("bench-report"));
    process::clean_environment(&mut command);
    output_of(command.arg(&file).arg(&folder))?;
    Ok(Some(folder.join("report").join("index.html")))
}
