//! Samples of builds: sizes of plugins, packages, how long compiling takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use object::elf::SHF_ALLOC;
use object::{Object, ObjectSection, SectionFlags};

use super::group::Compile;
use super::products::{Kind, Products};
use crate::build::Workspace;
use crate::process;

type GroupSamples = std::collections::BTreeMap<String, Vec<f64>>;

/// What each further item adds to a plugin: to what is mapped, and to the file.
pub(crate) fn sizes(items: u32, products: &mut Products<'_>) -> Result<GroupSamples> {
    let mut samples = GroupSamples::new();
    for kind in [Kind::Ours, Kind::Std] {
        let few = Size::of(&products.items(kind, items)?)?;
        let many = Size::of(&products.items(kind, 2 * items)?)?;
        let each = |few: u64, many: u64| vec![(many as f64 - few as f64) / f64::from(items)];
        samples.insert(kind.name().to_owned(), each(few.mapped, many.mapped));
        samples.insert(format!("{}, file", kind.name()), each(few.file, many.file));
    }
    Ok(samples)
}

struct Size {
    /// Code and data: the sections that take memory.
    mapped: u64,
    file: u64,
}

impl Size {
    fn of(path: &Path) -> Result<Self> {
        let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*data).with_context(|| format!("cannot parse {}", path.display()))?;
        let is_mapped = |flags| matches!(flags, SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(SHF_ALLOC));
        let mapped = file.sections().filter(|section| is_mapped(section.flags())).map(|section| section.size()).sum();
        ensure!(mapped > 0, "{} is no ELF file", path.display());
        Ok(Self { mapped, file: data.len() as u64 })
    }
}

/// A build of the library without default features into an empty folder, and the packages that it takes.
pub(crate) fn clean(workspace: &Workspace) -> Result<GroupSamples> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let mut command = process::cargo(&workspace.root);
    command.args(["build", "-p", "plugin_tls", "--no-default-features", "-j", "2", "--target-dir"]);
    let elapsed = timed(command.arg(folder.path()))?;

    let mut command = process::cargo(&workspace.root);
    command.args(["tree", "-p", "plugin_tls", "--no-default-features", "--prefix", "none"]);
    command.args(["-e", "normal,build,no-proc-macro"]);
    let tree = process::capture(&mut command, None)?;
    ensure!(tree.success(), "{}: {}\n{}", process::describe(&command), tree.how_it_ended(), tree.stderr);
    let packages = packages(&tree.stdout);
    let samples = [("time", nanoseconds(elapsed)), ("packages", packages as f64)];
    Ok(samples.map(|(label, value)| (label.to_owned(), vec![value])).into())
}

/// How many packages a tree has: a line for each time that one is needed, its name and version first.
fn packages(tree: &str) -> usize {
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().zip(words.next()).map(|(name, version)| format!("{name} {version}"))
    };
    tree.lines().filter_map(name).collect::<BTreeSet<_>>().len()
}

/// How long a crate of so many items takes to compile, net of what cargo takes when there is nothing to do.
pub(crate) fn compile(profile: Compile, items: u32, quick: bool, products: &Products<'_>) -> Result<GroupSamples> {
    let rounds = if quick { 3 } else { 7 };
    let mut samples = GroupSamples::new();
    // The first round also compiles what the crate needs, and does not count.
    for round in 0..=rounds {
        for kind in [Kind::Ours, Kind::Std] {
            let compile = || {
                let mut command = match profile {
                    Compile::Check => {
                        let mut command = products.items_command("check", kind, items);
                        command.args(["-p", "bench-items"]);
                        command
                    }
                    // Without linking, which is no matter of items that lie in a library.
                    Compile::Release => {
                        let mut command = products.items_command("rustc", kind, items);
                        command.args(["-p", "bench-items", "--release", "--lib", "--crate-type", "rlib"]);
                        command
                    }
                };
                command.env("CARGO_INCREMENTAL", "0").env("BENCH_ITEMS_ROUND", round.to_string());
                timed(&mut command)
            };
            let (all, nothing) = (compile()?, compile()?);
            if round > 0 {
                let sample = nanoseconds(all) - nanoseconds(nothing);
                samples.entry(kind.name().to_owned()).or_default().push(sample);
            }
        }
    }
    Ok(samples)
}

fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let finished = process::capture(command, None)?;
    let elapsed = start.elapsed();
    ensure!(finished.success(), "{}: {}\n{}", process::describe(command), finished.how_it_ended(), finished.stderr);
    Ok(elapsed)
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_of_a_package_counts_once() {
        let tree = "a v1.0.0 (/src/a)\nb v1.0.0\nc v2.0.0\nb v1.0.0 (*)\n\nb v2.0.0\n";
        assert_eq!(packages(tree), 4);
    }
}
