//! Loading a plugin of many items, and what the system's loader takes for the same file.
//!
//! A process that has once had an item keeps a record of it: the first load in a process is not like the later ones, and
//! each process gives one sample of it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::Samples;
use crate::libraries::{load_plugin, open};

/// Of an odd number the median is one of them.
const TIMES: usize = 5;

/// Nanoseconds for the whole plugin, and per item what is not the system's loader.
pub(crate) fn measure(plugin: &Path, items: u32) -> Result<Samples> {
    // The host's own items and the files' pages are not what is measured.
    let _ = plugin_tls::host::snapshot();
    let bare = median(|| bare(plugin))?;
    let first = load(plugin)?;
    let again = median(|| load(plugin))?;

    // Items that another plugin has, too.
    let copy = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    std::fs::copy(plugin, copy.path()).context("cannot copy the plugin")?;
    let other = load_plugin(copy.path())?;
    let shared = median(|| load(plugin))?;
    drop(other);

    let mut samples = Samples::new();
    samples.insert("dlopen".to_owned(), vec![nanoseconds(bare)]);
    for (label, duration) in [("first", first), ("again", again), ("shared", shared)] {
        let duration = nanoseconds(duration);
        samples.insert(format!("{label}, whole"), vec![duration]);
        samples.insert(label.to_owned(), vec![(duration - nanoseconds(bare)) / f64::from(items)]);
    }
    Ok(samples)
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

fn median(mut time: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    let mut times = [Duration::ZERO; TIMES];
    for slot in &mut times {
        *slot = time()?;
    }
    times.sort();
    Ok(times[TIMES / 2])
}

fn bare(path: &Path) -> Result<Duration> {
    let start = Instant::now();
    let library = open(path, false)?;
    let elapsed = start.elapsed();
    library.close()?;
    Ok(elapsed)
}

fn load(path: &Path) -> Result<Duration> {
    let start = Instant::now();
    let plugin = load_plugin(path)?;
    let elapsed = start.elapsed();
    // SAFETY: nothing of the plugin has been called.
    let _ = unsafe { plugin.unload() }?;
    Ok(elapsed)
}
