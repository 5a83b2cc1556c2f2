//! The libraries whose functions take times: the plugin, and those of rubicon.

use std::path::Path;

use anyhow::{Context, Result};
use bench_timing::{MEASURE, Measure, Request, Subject, Work};
use libloading::Library;
use plugin_tls::host::Plugin;

/// The binary that takes a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Host,
    Plugin,
    Rubicon,
    RubiconUnchecked,
}

/// What is loaded, for the rest of the process.
#[derive(Debug)]
pub(crate) struct Libraries {
    plugin: Measure,
    rubicon: Option<Rubicon>,
}

#[derive(Debug)]
struct Rubicon {
    checked: Measure,
    unchecked: Measure,
}

impl Libraries {
    pub(crate) fn load(plugin: &Path, rubicon: Option<&Path>) -> Result<Self> {
        let plugin = load_plugin(plugin)?;
        // SAFETY: the plugin's function of this name has this type.
        let measure = *unsafe { plugin.get::<Measure>(MEASURE) }?;
        // SAFETY: as above.
        let connect = unsafe { plugin.get::<unsafe extern "C" fn(peer::Context)>(b"bench_connect_peer") }?;
        // SAFETY: the first and only call, and nothing has been measured.
        unsafe { connect(peer::Context::get()) };
        // Loaded for good.
        drop(plugin);
        Ok(Self { plugin: measure, rubicon: rubicon.map(Rubicon::load).transpose()? })
    }

    /// The function by which a binary takes times; `None` if it is not loaded.
    pub(crate) fn measure(&self, place: Place) -> Option<Measure> {
        match place {
            Place::Host => Some(measure_in_host),
            Place::Plugin => Some(self.plugin),
            Place::Rubicon => self.rubicon.as_ref().map(|rubicon| rubicon.checked),
            Place::RubiconUnchecked => self.rubicon.as_ref().map(|rubicon| rubicon.unchecked),
        }
    }
}

pub(crate) fn load_plugin(path: &Path) -> Result<Plugin> {
    // SAFETY: a plugin of the benchmarks, which may be loaded anywhere.
    unsafe { Plugin::load(path) }.with_context(|| format!("cannot load {}", path.display()))
}

extern "C" fn measure_in_host(request: &Request) -> f64 {
    let find = |work: Work, subject: Subject| bench_subjects::find(work, subject);
    bench_timing::answer(request, find)
}

impl Rubicon {
    /// Loads the library that exports items for all others to see, and then those that import them.
    fn load(folder: &Path) -> Result<Self> {
        forget(open(&folder.join("export.so"), true)?);
        let measure = |name: &str| -> Result<Measure> {
            let library = open(&folder.join(name), false)?;
            // SAFETY: the library's function of this name has this type.
            let measure = *unsafe { library.get::<Measure>(MEASURE) }?;
            forget(library);
            Ok(measure)
        };
        Ok(Self { checked: measure("import.so")?, unchecked: measure("unchecked.so")? })
    }
}

/// Keeps it loaded.
fn forget(library: Library) {
    std::mem::forget(library);
}

/// Opens a library as [`Plugin::load`] does; with `global`, its symbols serve the libraries that are opened later.
pub(crate) fn open(path: &Path, global: bool) -> Result<Library> {
    let message = || format!("cannot open {}", path.display());
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
        let visible = if global { RTLD_GLOBAL } else { RTLD_LOCAL };
        // SAFETY: a library of the benchmarks, which may be loaded anywhere.
        unsafe { Library::open(Some(path), RTLD_NOW | visible) }.map(Into::into).with_context(message)
    }
    #[cfg(not(unix))]
    {
        anyhow::ensure!(!global, "symbols of one library that serve another one are had on Unix only");
        // SAFETY: a library of the benchmarks, which may be loaded anywhere.
        unsafe { Library::new(path) }.with_context(message)
    }
}
