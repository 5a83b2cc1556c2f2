//! The first touch of statics: a process has only one of each, hence the plugin is loaded anew for each sample.

use std::path::Path;

use anyhow::{Result, ensure};
use bench_timing::{MEASURE, Measure, Request, Subject, Work};

use crate::Samples;
use crate::libraries::load_plugin;

/// Nanoseconds per static.
pub(crate) fn measure(path: &Path, items: u32, rounds: usize) -> Result<Samples> {
    let mut samples = Samples::new();
    for round in 0..rounds {
        let plugin = load_plugin(path)?;
        // SAFETY: the plugin's function of this name has this type.
        let measure = *unsafe { plugin.get::<Measure>(MEASURE) }?;
        let mut subjects = [("std", Subject::Std), ("ours", Subject::Ours)];
        subjects.rotate_left(round % 2);
        for (label, subject) in subjects {
            let request = Request { work: Work::TouchLazy, subject, threads: 0, items, iterations: 1 };
            let nanoseconds = measure(&request);
            ensure!(nanoseconds >= 0.0, "the plugin has nothing for {request:?}");
            samples.entry(label.to_owned()).or_default().push(nanoseconds / f64::from(items));
        }
        // SAFETY: nothing of the plugin is kept, and it has started no thread.
        let unloaded = unsafe { plugin.unload() }?;
        ensure!(unloaded.is_unmapped(), "the plugin is still mapped, and its statics are not fresh when it comes back");
    }
    Ok(samples)
}
