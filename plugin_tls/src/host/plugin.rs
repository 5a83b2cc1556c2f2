//! A handle to a plugin.

use std::ffi::c_void;
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, OnceLock};

use plugin_tls_abi::sys::image;

use super::error::{LoadError, LoadErrorKind};
use super::loaded::{Image, Loaded};
use super::report::LoadReport;
use super::state::PluginState;
use super::symbol::Symbol;

/// A loaded plugin.
///
/// [`unload`](Self::unload) unmaps it. Dropping it gives it up: it stays loaded for good, its items' values and what else it
/// has given to the host stay valid.
///
/// Loading a file that is loaded already gives another handle to the same plugin: its items are registered once, and its
/// constructors do not run again; it is unmapped when the last handle is unloaded. A copy of the file under another name
/// is another plugin.
///
/// ```no_run
/// use plugin_tls::host::Plugin;
///
/// # fn main() -> Result<(), plugin_tls::host::LoadError> {
/// // SAFETY: a library of our own, whose constructors may run here.
/// let plugin = unsafe { Plugin::load("plugins/libgreeter.so")? };
/// println!("{} is {}", plugin.name(), plugin.state());
/// # Ok(())
/// # }
/// ```
pub struct Plugin {
    pub(super) loaded: Arc<Loaded>,
    path: PathBuf,
    name: String,
    look_for_dangling: bool,
    /// In a box, because errors contain handles, too.
    report: OnceLock<Box<LoadReport>>,
    /// The handle is counted in [`Handles::live`](super::loaded::Handles::live).
    pub(super) live: bool,
}

const OF_ANOTHER_LIBRARY: &str = "a library that the plugin needs has a symbol of this name";

/// What the file at `path` is called in snapshots and reports.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

impl Plugin {
    /// A new handle, which is counted.
    pub(super) fn new(loaded: Arc<Loaded>, path: &Path) -> Self {
        Plugin {
            loaded,
            path: path.to_owned(),
            name: name_of(path),
            look_for_dangling: false,
            report: OnceLock::new(),
            live: true,
        }
    }

    /// Whether [`unload`](Self::unload) looks through the bytes of surviving values for addresses in the plugin. It always
    /// does so in builds with debug assertions; only on Linux.
    ///
    /// ```no_run
    /// # fn run(mut plugin: plugin_tls::host::Plugin) {
    /// plugin.look_for_dangling(true);
    /// # }
    /// ```
    pub fn look_for_dangling(&mut self, look: bool) {
        self.look_for_dangling = look;
    }

    pub(super) fn looks_for_dangling(&self) -> bool {
        self.look_for_dangling || cfg!(debug_assertions)
    }

    /// A function or static that the plugin exports under the name `symbol`.
    ///
    /// The result dereferences to a `T`: for a function the function pointer's type, for a static a raw pointer to it.
    ///
    /// # Errors
    ///
    /// [`LoadErrorKind::NoSymbol`] if the plugin exports nothing of this name, [`LoadErrorKind::Unloaded`] if another handle
    /// has unloaded the plugin.
    ///
    /// # Safety
    ///
    /// - `T` is the type of the symbol, as above.
    /// - If this is the plugin of a [`StillInUse`](super::StillInUse), no other handle unloads the plugin while the symbol is
    ///   in use.
    ///
    /// ```no_run
    /// # use plugin_tls::host::{LoadError, Plugin};
    /// # fn run(plugin: &Plugin) -> Result<i32, LoadError> {
    /// // SAFETY: the plugin exports `extern "C" fn answer() -> i32`.
    /// let answer = unsafe { plugin.get::<extern "C" fn() -> i32>(b"answer")? };
    /// # Ok(
    /// answer()
    /// # )
    /// # }
    /// ```
    pub unsafe fn get<T>(&self, symbol: &[u8]) -> Result<Symbol<'_, T>, LoadError> {
        let handles = self.loaded.handles();
        let Image::Mapped { library, .. } = &handles.image else {
            return Err(LoadError::new(&self.path, LoadErrorKind::Unloaded));
        };
        // SAFETY: the address is only kept.
        let found = unsafe { library.get::<*mut c_void>(symbol) }.map(|address| *address).map_err(Box::from);
        // The system looks into the libraries that the plugin needs, too.
        let own = image::span_of(ptr::without_provenance(self.loaded.entry));
        let is_own = |address: &*mut c_void| own.as_ref().is_none_or(|span| span.contains(&address.addr()));
        match found.and_then(|address| if is_own(&address) { Ok(address) } else { Err(Box::from(OF_ANOTHER_LIBRARY)) })
        {
            // SAFETY: the caller guarantees that `T` is the symbol's type. The image stays mapped while this handle is live,
            // and the symbol borrows it; where it is not live, the caller guarantees that no other handle unmaps the image.
            Ok(address) => Ok(unsafe { Symbol::new(address) }),
            Err(source) => {
                let symbol = String::from_utf8_lossy(symbol).trim_end_matches('\0').to_owned();
                Err(LoadError::new(&self.path, LoadErrorKind::NoSymbol { symbol, source }))
            }
        }
    }

    /// The file's name, as snapshots and reports have it.
    ///
    /// ```no_run
    /// # fn show(plugin: &plugin_tls::host::Plugin) {
    /// println!("{}", plugin.name());
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path that the plugin was loaded from, as it was given.
    ///
    /// ```no_run
    /// # fn show(plugin: &plugin_tls::host::Plugin) {
    /// println!("{}", plugin.path().display());
    /// # }
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the plugin shares with whom, and on what proof.
    ///
    /// The report is made at the first call and then kept. It is empty if another handle has unloaded the plugin by then,
    /// or if the plugin was connected by hand.
    ///
    /// ```no_run
    /// # use plugin_tls::host::{LoadError, Plugin};
    /// # fn main() -> Result<(), LoadError> {
    /// // SAFETY: a library of our own, whose constructors may run here.
    /// let plugin = unsafe { Plugin::load("plugins/libgreeter.so")? };
    /// println!("{}", plugin.report());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn report(&self) -> &LoadReport {
        self.report.get_or_init(|| {
            // The lock keeps the plugin registered meanwhile.
            Box::new(match self.loaded.handles().image {
                Image::Mapped { connected: Some(connected), .. } => LoadReport::of(connected.binary),
                _ => LoadReport::default(),
            })
        })
    }

    /// What has become of the plugin. Another handle may have unloaded it.
    ///
    /// ```no_run
    /// # use plugin_tls::host::{Plugin, PluginState};
    /// # fn show(plugin: &Plugin) {
    /// assert_eq!(plugin.state(), PluginState::Live);
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> PluginState {
        self.loaded.handles().state()
    }
}

/// Gives the plugin up: it stays mapped for good.
impl Drop for Plugin {
    fn drop(&mut self) {
        let mut handles = self.loaded.handles();
        if matches!(handles.image, Image::Mapped { .. }) {
            handles.given_up = true;
            if self.live {
                handles.live -= 1;
            }
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("path", &self.path).field("state", &self.state()).finish_non_exhaustive()
    }
}
