//! Lets criterion analyse samples and write its report with plots: `bench-report SAMPLES FOLDER`.
//!
//! criterion itself would measure one benchmark after another, and a machine that becomes slower meanwhile would
//! distort the comparison. It therefore gets the samples from which the table is made.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, SamplingMode};

/// Samples by group and label.
type Groups = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// The fewest samples that criterion accepts.
const FEWEST: usize = 10;

/// A measurement whose values, in nanoseconds, are already known.
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
    let groups: Groups = serde_json::from_slice(&text).context("the file does not contain samples")?;

    let mut criterion = Criterion::default()
        .with_measurement(Recorded)
        .output_directory(&folder)
        // Nothing is measured, so criterion should not spend time on it.
        .warm_up_time(Duration::from_nanos(1))
        .measurement_time(Duration::from_millis(1))
        .nresamples(2_000);
    for (name, subjects) in &groups {
        let mut group = criterion.benchmark_group(name.as_str());
        group.sampling_mode(SamplingMode::Flat);
        for (label, samples) in subjects {
            // A difference of two times may be negative, which criterion does not accept.
            if samples.len() < FEWEST || samples.iter().any(|sample| *sample <= 0.0) {
                continue;
            }
            group.sample_size(samples.len());
            // criterion discards the first value as the warm-up.
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
