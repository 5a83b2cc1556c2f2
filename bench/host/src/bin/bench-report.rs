//! `bench-report SAMPLES FOLDER`: has criterion analyse the samples that were taken and write its report with plots.
//!
//! criterion measures one benchmark after the other, and a machine that gets slower meanwhile falsifies the comparison.
//! Hence it gets the very samples that the table is made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, SamplingMode};

/// By group, and in the group by label.
type Groups = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// criterion refuses fewer.
const FEWEST: usize = 10;

/// Nanoseconds that are known already.
struct Recorded;

impl Measurement for Recorded {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        0.0
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (samples, folder) = arguments.next().zip(arguments.next()).context("usage: bench-report SAMPLES FOLDER")?;
    let text = fs::read(&samples).with_context(|| format!("cannot read {}", samples.display()))?;
    let groups: Groups = serde_json::from_slice(&text).context("these are no samples")?;

    let mut criterion = Criterion::default()
        .with_measurement(Recorded)
        .output_directory(&folder)
        // Nothing is measured, so there is nothing to wait for.
        .warm_up_time(Duration::from_nanos(1))
        .measurement_time(Duration::from_millis(1))
        .nresamples(2_000);
    for (name, subjects) in &groups {
        let mut group = criterion.benchmark_group(name.as_str());
        group.sampling_mode(SamplingMode::Flat);
        for (label, samples) in subjects {
            // A difference of two times may come out negative, and criterion wants none of that.
            if samples.len() < FEWEST || samples.iter().any(|sample| *sample <= 0.0) {
                continue;
            }
            group.sample_size(samples.len());
            // The first call is the one that warms up.
            let mut recorded = samples.first().into_iter().chain(samples).copied();
            group.bench_function(label.as_str(), |bencher| {
                bencher.iter_custom(|iterations| recorded.next().unwrap_or_default() * iterations as f64);
            });
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
