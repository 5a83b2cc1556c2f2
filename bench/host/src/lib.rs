//! The host of the benchmarks. It loads the plugin, takes times in both, and writes the samples as JSON to stdout.
//!
//! Each process measures one group, so that groups do not disturb each other and a crash loses only one group. Within a
//! group, the subjects take turns, one sample each per round. When the machine is slower for a while, it is slower for
//! all of them. Two subjects are therefore compared within each round, and the result is the median of the rounds.

mod group;
mod libraries;
mod load;
mod reload;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use bench_plan::Timed;
use clap::{Parser, Subcommand};

use crate::group::Sampling;
use crate::libraries::Libraries;

/// Samples by label.
type Samples = BTreeMap<String, Vec<f64>>;

/// Measures one group and writes its samples as JSON to stdout.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Times a work in the host or in the plugin.
    Work {
        /// `WORK/PLACE` or `WORK/PLACE/ITEMS`.
        group: Timed,
        #[arg(long)]
        plugin: PathBuf,
        /// The folder with rubicon's libraries.
        #[arg(long)]
        rubicon: Option<PathBuf>,
        #[arg(long)]
        rounds: usize,
        /// How long a sample should take.
        #[arg(long)]
        microseconds: u64,
    },
    /// Times the first touch of statics. Each load of the plugin has new ones.
    Reload {
        #[arg(long)]
        plugin: PathBuf,
        #[arg(long)]
        items: u32,
        #[arg(long)]
        rounds: usize,
    },
    /// Times the loads of a plugin, by this library and by the system's loader alone.
    Load {
        #[arg(long)]
        plugin: PathBuf,
        /// How many items the plugin has.
        #[arg(long)]
        items: u32,
    },
}

/// What [`main`] returns, for the executable that opens this library.
#[unsafe(no_mangle)]
pub extern "C" fn bench_host_main() -> bool {
    main().inspect_err(|error| eprintln!("error: {error:#}")).is_ok()
}

/// Runs what the command line says.
///
/// # Errors
///
/// What went wrong.
pub fn main() -> Result<()> {
    let samples = match Cli::parse().what {
        What::Work { group, plugin, rubicon, rounds, microseconds } => {
            let libraries = Libraries::load(&plugin, rubicon.as_deref())?;
            group::measure(group, &libraries, Sampling { rounds, duration: Duration::from_micros(microseconds) })?
        }
        What::Reload { plugin, items, rounds } => reload::measure(&plugin, items, rounds)?,
        What::Load { plugin, items } => load::measure(&plugin, items)?,
    };
    println!("{}", serde_json::to_string(&samples)?);
    Ok(())
}
