//! Takes the samples of builds: sizes of plugins, numbers of packages, and times of compiling.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bench_plan::label;
use object::elf::SHF_ALLOC;
use object::{Object, ObjectSection, SectionFlags};

use super::group::Compile;
use super::products::{Kind, Products};
use super::{GroupSamples, output_of};
use crate::build::Workspace;
use crate::process;

/// Returns the bytes that each further item adds to a plugin: to what is mapped, and to the file.
pub(crate) fn sizes(items: u32, products: &mut Products<'_>) -> Result<GroupSamples> {
    let mut samples = GroupSamples::new();
    for kind in Kind::ALL {
        let few = Size::of(&products.items(kind, items)?)?;
        let many = Size::of(&products.items(kind, 2 * items)?)?;
        let each = |few: u64, many: u64| vec![(many as f64 - few as f64) / f64::from(items)];
        let file = match kind {
            Kind::Ours => label::OURS_FILE,
            Kind::Std => label::STD_FILE,
        };
        samples.insert(kind.label().to_owned(), each(few.mapped, many.mapped));
        samples.insert(file.to_owned(), each(few.file, many.file));
    }
    Ok(samples)
}

struct Size {
    /// The bytes of code and data, which are the sections that are mapped into memory.
    mapped: u64,
    file: u64,
}

impl Size {
    fn of(path: &Path) -> Result<Self> {
        let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*data).with_context(|| format!("cannot parse {}", path.display()))?;
        let is_mapped = |flags| matches!(flags, SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(SHF_ALLOC));
        let mapped = file.sections().filter(|section| is_mapped(section.flags())).map(|section| section.size()).sum();
        ensure!(mapped > 0, "{} is not an ELF file", path.display());
        Ok(Self { mapped, file: data.len() as u64 })
    }
}

/// Builds the library without default features in an empty folder. Returns the time and the number of packages.
pub(crate) fn clean(workspace: &Workspace) -> Result<GroupSamples> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let mut command = process::cargo(&workspace.root);
    command.args(["build", "-p", "plugin_tls", "--no-default-features", "-j", "2", "--target-dir"]);
    let elapsed = timed(command.arg(folder.path()))?;

    let mut command = process::cargo(&workspace.root);
    command.args(["tree", "-p", "plugin_tls", "--no-default-features", "--prefix", "none"]);
    command.args(["-e", "normal,build,no-proc-macro"]);
    let packages = packages(&output_of(&mut command)?);
    let samples = [(label::TIME, nanoseconds(elapsed)), (label::PACKAGES, packages as f64)];
    Ok(samples.map(|(label, value)| (label.to_owned(), vec![value])).into())
}

/// Counts the packages in the output of `cargo tree`. It has a line for each dependency on a package, which starts with
/// the package's name and version.
fn packages(tree: &str) -> usize {
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().zip(words.next()).map(|(name, version)| format!("{name} {version}"))
    };
    tree.lines().filter_map(name).collect::<BTreeSet<_>>().len()
}

/// Returns the times of compiling a crate of this many items, less the time that cargo takes when nothing has changed.
pub(crate) fn compile(profile: Compile, items: u32, quick: bool, products: &Products<'_>) -> Result<GroupSamples> {
    let rounds = if quick { 3 } else { 7 };
    let mut samples = GroupSamples::new();
    // The first round also compiles the dependencies, so its time is not used.
    for round in 0..=rounds {
        for kind in Kind::ALL {
            let compile = || {
                // An rlib is not linked. The time of the linker is not of interest here.
                let (subcommand, options): (_, &[&str]) = match profile {
                    Compile::Check => ("check", &[]),
                    Compile::Release => ("rustc", &["--release", "--lib", "--crate-type", "rlib"]),
                };
                let mut command = products.items_command(subcommand, kind, items);
                command.args(["-p", "bench-items-plugin"]).args(options);
                command.env("CARGO_INCREMENTAL", "0").env("BENCH_ITEMS_ROUND", round.to_string());
                timed(&mut command)
            };
            let (all, nothing) = (compile()?, compile()?);
            if round > 0 {
                let sample = nanoseconds(all) - nanoseconds(nothing);
                samples.entry(kind.label().to_owned()).or_default().push(sample);
            }
        }
    }
    Ok(samples)
}

fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    output_of(command)?;
    Ok(start.elapsed())
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
