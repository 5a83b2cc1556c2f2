//! The libraries that take times: the plugin, and the libraries of rubicon.

use std::path::Path;

use anyhow::{Context, Result};
use bench_plan::library;
use bench_timing::{MEASURE, Measure, Request};
use libloading::Library;
use plugin_tls::host::Plugin;

/// The binary that takes a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Host,
    Plugin,
    Rubicon,
    RubiconUnchecked,
}

/// The functions of libraries that stay loaded for the rest of the process.
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
    /// Loads the plugin, and rubicon's libraries from the folder `rubicon`.
    pub(crate) fn load(plugin: &Path, rubicon: Option<&Path>) -> Result<Self> {
        let plugin = load_plugin(plugin)?;
        let measure = measure_of(&plugin)?;
        // SAFETY: bench-plugin defines `bench_connect_peer` with this type.
        let connect = unsafe { plugin.get::<unsafe extern "C" fn(peer::Context)>(b"bench_connect_peer") }?;
        // SAFETY: it must be called once, before the plugin uses an item of plugin_tls 0.4.1. The plugin was loaded
        // just now, and only `measure` uses its items.
        unsafe { connect(peer::Context::get()) };
        // Dropping a `Plugin` leaves it loaded.
        drop(plugin);
        Ok(Self { plugin: measure, rubicon: rubicon.map(Rubicon::load).transpose()? })
    }

    /// Returns the function by which a binary takes times, or `None` if the binary is not loaded.
    pub(crate) fn measure(&self, binary: Binary) -> Option<Measure> {
        match binary {
            Binary::Host => Some(measure_in_host),
            Binary::Plugin => Some(self.plugin),
            Binary::Rubicon => self.rubicon.as_ref().map(|rubicon| rubicon.checked),
            Binary::RubiconUnchecked => self.rubicon.as_ref().map(|rubicon| rubicon.unchecked),
        }
    }
}

/// Loads a plugin. Some plugins have more items than the host, by a feature of the crate that declares them, so that nothing
/// proves the types of the others.
pub(crate) fn load_plugin(path: &Path) -> Result<Plugin> {
    let mut options = Plugin::options();
    // SAFETY: host and plugins are built from the same sources, and the feature changes no type.
    unsafe { options.accept_unproven(true) };
    // SAFETY: the path is that of bench-plugin or bench-items-plugin. Their constructors only register items, and their entry
    // comes from `export_plugin!` of this workspace.
    unsafe { options.load(path) }.with_context(|| format!("cannot load {}", path.display()))
}

/// Returns the function by which bench-plugin takes times. It must not be called once the plugin is unloaded.
pub(crate) fn measure_of(plugin: &Plugin) -> Result<Measure> {
    // SAFETY: bench-plugin defines the function with this type.
    Ok(*unsafe { plugin.get::<Measure>(MEASURE) }?)
}

extern "C" fn measure_in_host(request: &Request) -> f64 {
    bench_timing::answer(request, bench_subjects::find)
}

impl Rubicon {
    /// Loads the library that exports rubicon's items, and then the two that import them.
    fn load(folder: &Path) -> Result<Self> {
        keep_loaded(open(&folder.join(library::RUBICON_EXPORT), true)?);
        let measure = |name: &str| -> Result<Measure> {
            let library = open(&folder.join(name), false)?;
            // SAFETY: bench-rubicon defines the function with this type.
            let measure = *unsafe { library.get::<Measure>(MEASURE) }?;
            keep_loaded(library);
            Ok(measure)
        };
        Ok(Self { checked: measure(library::RUBICON_IMPORT)?, unchecked: measure(library::RUBICON_UNCHECKED)? })
    }
}

fn keep_loaded(library: Library) {
    std::mem::forget(library);
}

/// Opens a library with the flags that [`Plugin::load`] uses. If `global`, libraries that are opened later can import
/// its symbols.
pub(crate) fn open(path: &Path, global: bool) -> Result<Library> {
    let message = || format!("cannot open {}", path.display());
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
        let visible = if global { RTLD_GLOBAL } else { RTLD_LOCAL };
        // SAFETY: the path is that of a library of the benchmarks. Their constructors only register items.
        unsafe { Library::open(Some(path), RTLD_NOW | visible) }.map(Into::into).with_context(message)
    }
    #[cfg(not(unix))]
    {
        anyhow::ensure!(!global, "only Unix lets one library import the symbols of another at run time");
        // SAFETY: the path is that of a library of the benchmarks. Their constructors only register items.
        unsafe { Library::new(path) }.with_context(message)
    }
}
