//! Has hosts take the samples of a group, each group in processes of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::group::Group;
use super::products::{Kind, Products};
use super::{Samples, builds};
use crate::build::Workspace;
use crate::process;

/// How much is measured.
struct Effort {
    /// Samples of each subject, and how long each takes: shorter than what the system gives a thread at a time, so that
    /// most samples are not interrupted.
    rounds: u32,
    microseconds: u32,
    /// The same for threads, of which a sample takes many.
    thread_rounds: u32,
    thread_microseconds: u32,
    /// Loads of a plugin with all of its statics.
    reloads: u32,
    /// Processes that load a plugin of many items.
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

/// By the label of what was measured.
type GroupSamples = BTreeMap<String, Vec<f64>>;

/// Measures a group.
pub(crate) fn run(group: &Group, quick: bool, products: &mut Products<'_>) -> Result<GroupSamples> {
    let effort = if quick { &Effort::QUICK } else { &Effort::FULL };
    match *group {
        Group::Work(name) => work(name, false, effort, products),
        Group::WorkOfThousand(name) => work(name, true, effort, products),
        Group::Reload(items) => {
            let mut command = Command::new(products.host(false)?.join("bench-host"));
            command.arg("reload").arg("--plugin").arg(products.plugin(items > 100)?);
            command.args(["--items", &items.to_string(), "--rounds", &effort.reloads.to_string()]);
            samples_of(command)
        }
        Group::Load(items) => {
            let mut all = GroupSamples::new();
            // Few items are a small part of what a load takes.
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
            let mut command = Command::new(products.host(items > 100)?.join("bench-memory"));
            command.arg(items.to_string());
            samples_of(command)
        }
        Group::Size(items) => builds::sizes(items, products),
        Group::Compile(profile, items) => builds::compile(profile, items, quick, products),
        Group::CleanBuild => builds::clean(products.workspace),
    }
}

fn work(name: &str, thousand: bool, effort: &Effort, products: &mut Products<'_>) -> Result<GroupSamples> {
    let threads = ["touch", "spawn"].iter().any(|work| name.starts_with(work));
    let (rounds, microseconds) =
        if threads { (effort.thread_rounds, effort.thread_microseconds) } else { (effort.rounds, effort.microseconds) };
    let mut command = Command::new(products.host(thousand)?.join("bench-host"));
    command.args(["work", name]).arg("--plugin").arg(products.plugin(thousand)?);
    command.arg("--rubicon").arg(products.rubicon()?);
    command.args(["--rounds", &rounds.to_string(), "--microseconds", &microseconds.to_string()]);
    samples_of(command)
}

/// Runs a host that writes samples to stdout.
fn samples_of(mut command: Command) -> Result<GroupSamples> {
    process::clean_environment(&mut command);
    let finished = process::capture(command.env("RUST_BACKTRACE", "0"), None)?;
    ensure!(
        finished.success(),
        "{}: {}\n{}{}",
        process::describe(&command),
        finished.how_it_ended(),
        finished.stdout,
        finished.stderr
    );
    serde_json::from_str(&finished.stdout).with_context(|| format!("{} wrote no samples", process::describe(&command)))
}

/// Has criterion draw the samples that it can. Returns the page to start from; `None`: there is nothing to draw.
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
    // Anew: groups of another run would be listed next to these.
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let mut command = Command::new(products.host(false)?.join("bench-report"));
    process::clean_environment(&mut command);
    let finished = process::capture(command.arg(&file).arg(&folder), None)?;
    ensure!(finished.success(), "bench-report: {}\n{}", finished.how_it_ended(), finished.stderr);
    Ok(Some(folder.join("report").join("index.html")))
}
