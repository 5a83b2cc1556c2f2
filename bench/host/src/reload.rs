//! Times the first touch of statics. A process has one of each static, so each sample needs a new load of the plugin.

use std::path::Path;

use anyhow::{Result, ensure};
use bench_plan::{Work, label};
use bench_timing::{Request, Subject};

use crate::Samples;
use crate::libraries::{load_plugin, measure_of};

/// Returns nanoseconds per static.
pub(crate) fn measure(path: &Path, items: u32, rounds: usize) -> Result<Samples> {
    let mut samples = Samples::new();
    for round in 0..rounds {
        let plugin = load_plugin(path)?;
        let measure = measure_of(&plugin)?;
        let mut subjects = [(label::STD, Subject::Std), (label::OURS, Subject::Ours)];
        subjects.rotate_left(round % 2);
        for (label, subject) in subjects {
            let request = Request { work: Work::TouchLazy, subject, threads: 0, items, iterations: 1 };
            let nanoseconds = measure(&request);
            ensure!(nanoseconds >= 0.0, "the plugin has nothing for {request:?}");
            samples.entry(label.to_owned()).or_default().push(nanoseconds / f64::from(items));
        }
        // SAFETY: `measure` has returned and is not called again. The work starts no thread, and nothing refers to the
        // statics, which are `u64`.
        let unloaded = unsafe { plugin.unload() }?;
        ensure!(unloaded.is_unmapped(), "the plugin is still mapped, so its next load would not have new statics");
    }
    Ok(samples)
}
