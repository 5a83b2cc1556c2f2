//! Times the loads of a plugin with many items, by this library and by the system's loader alone.
//!
//! A process keeps a record of each item that it has ever had, so its first load of a plugin differs from later ones.
//! Each process therefore gives one sample.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench_plan::label;

use crate::Samples;
use crate::libraries::{load_plugin, open};

/// An odd number, so that the median is one of the times.
const TIMES: usize = 5;

/// Returns nanoseconds for the whole plugin, and nanoseconds per item without the time of the system's loader.
pub(crate) fn measure(plugin: &Path, items: u32) -> Result<Samples> {
    // The time must not include registering the host's items or reading the file for the first time.
    let _ = plugin_tls::host::snapshot();
    let bare = nanoseconds(median(|| bare(plugin))?);
    let first = load(plugin)?;
    let again = median(|| load(plugin))?;

    // The items of the copy are the same items.
    let copy = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    std::fs::copy(plugin, copy.path()).context("cannot copy the plugin")?;
    let other = load_plugin(copy.path())?;
    let shared = median(|| load(plugin))?;
    drop(other);

    let mut samples = Samples::from([(label::DLOPEN.to_owned(), vec![bare])]);
    for (label, duration) in [(label::FIRST, first), (label::AGAIN, again), (label::SHARED, shared)] {
        let whole = nanoseconds(duration);
        samples.insert(format!("{label}, whole"), vec![whole]);
        samples.insert(label.to_owned(), vec![(whole - bare) / f64::from(items)]);
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
    // SAFETY: no function of the plugin has been called, so none is running and none of its values exists.
    let _ = unsafe { plugin.unload() }?;
    Ok(elapsed)
}
