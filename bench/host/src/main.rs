//! The host of the benchmarks: loads the plugin, has it and itself take times, and writes the samples as JSON to stdout.
//!
//! One process measures one group, so that groups do not disturb each other and a crash is one group that failed. Within
//! a group the subjects take turns, sample by sample: on a machine that is sometimes slower, all of them are. Whoever
//! compares two subjects does so within each round, and takes the median of the rounds.

mod group;
mod libraries;
mod load;
mod reload;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::group::{Group, Sampling};
use crate::libraries::Libraries;

/// Samples by the label of what was measured.
type Samples = BTreeMap<String, Vec<f64>>;

/// Measures one group and writes its samples as JSON to stdout.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Times taken by works in host or plugin.
    Work {
        /// `work/place` or `work/place/items`.
        group: Group,
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
    /// The first touch of statics, of which each load of the plugin has new ones.
    Reload {
        #[arg(long)]
        plugin: PathBuf,
        #[arg(long)]
        items: u32,
        #[arg(long)]
        rounds: usize,
    },
    /// One load of a plugin of so many items, and what the system takes for the same file.
    Load {
        #[arg(long)]
        plugin: PathBuf,
        #[arg(long)]
        items: u32,
    },
}

fn main() -> Result<()> {
    let samples = match Cli::parse().what {
        What::Work { group, plugin, rubicon, rounds, microseconds } => {
            if group.is_fallback() {
                plugin_tls::__private::force_fallback();
            }
            let libraries = Libraries::load(&plugin, rubicon.as_deref())?;
            group.measure(&libraries, Sampling { rounds, duration: Duration::from_micros(microseconds) })?
        }
        What::Reload { plugin, items, rounds } => reload::measure(&plugin, items, rounds)?,
        What::Load { plugin, items } => load::measure(&plugin, items)?,
    };
    println!("{}", serde_json::to_string(&samples)?);
    Ok(())
}
