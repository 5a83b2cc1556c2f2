//! Loading plugins.

use std::ffi::c_void;
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use libloading::{Library, Symbol};

use super::error::LoadError;
use super::file;
use super::loaded::{Handles, LOADED, Loaded};
use super::unload::{StillInUse, Unloaded};
use crate::abi::{self, ENTRY_SYMBOL, Entry, Header, Sink};
use crate::binary;
use crate::store::api::{self, Load};
use crate::store::image;
use crate::store::registry::Binary;
use crate::store::unloading::{self, Blocker, BlockerKind};

/// A loaded plugin.
///
/// [`unload`](Self::unload) unmaps it. Dropping it gives it up: it stays loaded for good, its items' values and whatever
/// else it has given to the host stay valid.
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
    loaded: Arc<Loaded>,
    path: PathBuf,
    name: String,
    look_for_dangling: bool,
    /// Counted in [`Handles::live`].
    live: bool,
}

/// What has become of a plugin.
///
/// ```
/// assert_eq!(plugin_tls::host::PluginState::Live.to_string(), "live");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum PluginState {
    /// Loaded and connected.
    Live,
    /// It is being unloaded, and its code may create no new values.
    Draining,
}

impl fmt::Display for PluginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PluginState::Live => "live",
            PluginState::Draining => "draining",
        })
    }
}

impl Plugin {
    /// Loads the library at `path`, connects it to this binary's store and verifies every item that it declares.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: if the file is not a plugin or cannot be loaded, or if an item of it cannot be shared; then the
    /// library is closed again, and nothing of it is registered.
    ///
    /// # Safety
    ///
    /// - The library's constructors and destructors run: they must be sound to run here and now.
    /// - The library's `plugin_tls_entry`, if it has one, comes from [`export_plugin!`](crate::export_plugin).
    /// - What host and plugin share beyond the items of this crate is as the caller of [`get`](Self::get) says.
    ///
    /// ```
    /// use plugin_tls::host::Plugin;
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// match unsafe { Plugin::load("plugins/libgreeter.so") } {
    ///     Ok(plugin) => println!("loaded {}", plugin.name()),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub unsafe fn load(path: impl AsRef<Path>) -> Result<Plugin, LoadError> {
        // SAFETY: the caller's word.
        unsafe { Self::load_with(path.as_ref(), false) }
    }

    /// Like [`load`](Self::load), and accepts items whose types nothing proves equal, as long as kind, size, alignment
    /// and needs-drop agree. [`snapshot`](super::snapshot) marks them as unproven.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    ///
    /// # Safety
    ///
    /// As [`load`](Self::load), and: every item of the plugin has the type that the same item has in other binaries,
    /// with the same layout and the same meaning of its bytes.
    ///
    /// ```
    /// use plugin_tls::host::Plugin;
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// let outcome = unsafe { Plugin::load_trusted("plugins/libgreeter.so") };
    /// assert!(outcome.is_err());
    /// ```
    pub unsafe fn load_trusted(path: impl AsRef<Path>) -> Result<Plugin, LoadError> {
        // SAFETY: the caller's word.
        unsafe { Self::load_with(path.as_ref(), true) }
    }

    /// # Safety
    ///
    /// As [`load`](Self::load); with `trusted`, as [`load_trusted`](Self::load_trusted).
    unsafe fn load_with(path: &Path, trusted: bool) -> Result<Plugin, LoadError> {
        let file = file::check(path)?;
        let path = path.to_owned();
        let table = binary::use_own();
        if !ptr::eq(table, api::table()) {
            return Err(LoadError::NotTheHost { path });
        }
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
        // SAFETY: the caller's word. Dropping the library on an error closes it: nothing of it has been kept by then.
        let library = match unsafe { file::open(&path) } {
            Ok(library) => library,
            Err(source) => return Err(LoadError::Open { path, source }),
        };
        // SAFETY: a symbol of this name is a static of type `Entry`: the caller's word. What it holds is checked.
        let Ok(entry) = (unsafe { library.get::<*const Entry>(ENTRY_SYMBOL) }) else {
            return Err(LoadError::NotAPlugin { path });
        };
        let entry: *const Entry = *entry;
        // SAFETY: as above; the header comes first in every version.
        let header = unsafe { entry.cast::<Header>().read_unaligned() };
        if header.magic != abi::MAGIC {
            return Err(LoadError::DamagedEntry { path, what: format!("it starts with {:#018x}", header.magic) });
        }
        if header.major != abi::MAJOR {
            return Err(LoadError::AbiMajor { path, host: abi::MAJOR, plugin: header.major });
        }
        if (header.size as usize) < size_of::<Entry>() {
            return Err(LoadError::DamagedEntry { path, what: format!("it has {} bytes", header.size) });
        }
        // SAFETY: an entry of this major version, at least as long as this binary knows it; it lives as long as the
        // library.
        let entry: &'static Entry = unsafe { &*entry };
        let (Some(connect), Some(disconnect)) = (entry.connect, entry.disconnect) else {
            return Err(LoadError::DamagedEntry { path, what: "it lacks a function".to_owned() });
        };
        let mut all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = all.get(&ptr::from_ref(entry).addr()) {
            if loaded.file != file {
                return Err(LoadError::OldImage { path });
            }
            // The same library: `library` is a second handle of the system's to it, which is closed here.
            loaded.handles().live += 1;
            if let Some(binary) = loaded.binary {
                unloading::revive(binary);
            }
            return Ok(Plugin { loaded: Arc::clone(loaded), path, name, look_for_dangling: false, live: true });
        }
        let mut load = Load { name: name.clone(), trusted, binary: None, mismatches: Vec::new() };
        let mut reason = String::new();
        let sink = Sink::new(&mut reason);
        // SAFETY: the table is this binary's own; `load` and the sink are alive for the call and not used meanwhile.
        let status =
            unsafe { connect(ptr::from_ref(table).cast(), (&raw mut load).cast::<c_void>(), (&raw const sink).cast()) };
        if !load.mismatches.is_empty() {
            return Err(LoadError::Rejected { path, mismatches: load.mismatches });
        }
        if status != abi::OK {
            return Err(LoadError::Refused { path, reason });
        }
        let handles = Mutex::new(Handles { library: Some(library), live: 1, given_up: false });
        let unloading = Mutex::default();
        let entry = ptr::from_ref(entry).addr();
        let loaded = Arc::new(Loaded { entry, file, disconnect, binary: load.binary, handles, unloading });
        all.insert(entry, Arc::clone(&loaded));
        Ok(Plugin { loaded, path, name, look_for_dangling: false, live: true })
    }

    /// Unloads the plugin: its code may create nothing new, what it owns is dropped, and its image is unmapped.
    ///
    /// Dropped here are the process-wide values that the plugin's code built, and those of the calling thread. What other
    /// threads have of the plugin is dropped by them, when they end or reach a [`safe_point`](super::safe_point); until
    /// then, the plugin stays mapped. Values that the host's own code built survive.
    ///
    /// # Errors
    ///
    /// [`StillInUse`] with everything that still needs the plugin. It can be retried, waited for, or given up.
    ///
    /// # Safety
    ///
    /// For this call, and for as long as a [`StillInUse`] of it is retried or waited for:
    ///
    /// - No code of the plugin is running, except on threads and in destructors that this library knows of and names as
    ///   blockers, and nothing will call it any more: no function pointer, trait object or `&'static` of the plugin is
    ///   used again. (Values that survive may hold such; see [`Unloaded::hints`].)
    /// - No thread refers to a process-wide value that the plugin owns, and the calling thread to no value of a
    ///   `thread_local!` item that it owns: [`snapshot`](super::snapshot) tells owners.
    /// - Process-wide values that the plugin owns may be dropped by the calling thread: their types are `Send`.
    ///
    /// ```no_run
    /// use plugin_tls::host::Plugin;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // SAFETY: a plugin of our own, of which nothing is kept.
    /// let plugin = unsafe { Plugin::load("plugins/libgreeter.so")? };
    /// let unloaded = unsafe { plugin.unload()? };
    /// assert!(unloaded.is_unmapped());
    /// # Ok(())
    /// # }
    /// ```
    pub unsafe fn unload(mut self) -> Result<Unloaded, StillInUse> {
        let loaded = Arc::clone(&self.loaded);
        // Not to be waited for: it may be this very thread that is in the midst of it, in a destructor.
        let _unloading = match loaded.unloading.try_lock() {
            Ok(unloading) => unloading,
            Err(TryLockError::Poisoned(unloading)) => unloading.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(StillInUse::new(self, vec![Blocker::new(BlockerKind::Unloading)]));
            }
        };
        let mut blockers = {
            let mut handles = loaded.handles();
            if handles.library.is_none() {
                // Another handle's `unload` was the last one.
                self.live = false;
                return Ok(Unloaded { path: self.path.clone(), unmapped: true, hints: Vec::new() });
            }
            if self.live {
                self.live = false;
                handles.live -= 1;
            }
            handles.blockers()
        };
        let Some(binary) = loaded.binary else {
            blockers.push(Blocker::new(BlockerKind::ConnectedByHand));
            return Err(StillInUse::new(self, blockers));
        };
        // While others use the plugin, nothing is taken from them.
        if !blockers.is_empty() {
            return Err(StillInUse::new(self, blockers));
        }
        // SAFETY: the caller's word.
        unsafe { unloading::drain(binary) };
        let blockers = unloading::blockers(binary);
        if !blockers.is_empty() {
            return Err(StillInUse::new(self, blockers));
        }
        self.close(binary)
    }

    /// Unmaps a plugin that nothing needs any more.
    fn close(mut self, binary: &'static Binary) -> Result<Unloaded, StillInUse> {
        let address = ptr::without_provenance::<c_void>(self.loaded.entry);
        let span = image::span_of(address);
        let look = self.look_for_dangling || cfg!(debug_assertions);
        let hints = span.as_ref().filter(|_| look).map(unloading::dangling).unwrap_or_default();
        let mut all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock of `LOADED`: a destructor, or another thread, may have loaded it again.
        let handles = self.loaded.handles().blockers();
        if !handles.is_empty() {
            drop(all);
            return Err(StillInUse::new(self, handles));
        }
        all.remove(&self.loaded.entry);
        // SAFETY: no other code of the plugin runs: there are no blockers, and the rest is the word of `unload`'s caller.
        unsafe { (self.loaded.disconnect)() };
        // SAFETY: there are no blockers.
        unsafe { unloading::forget(binary) };
        let library = self.loaded.handles().library.take();
        let closed = library.is_some_and(|library| library.close().is_ok());
        // Under the lock of `LOADED`, so that nobody loads it again meanwhile.
        let unmapped = closed && span.is_some() && image::span_of(address).is_none();
        drop(all);
        Ok(Unloaded { path: std::mem::take(&mut self.path), unmapped, hints })
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

    /// A function or static that the plugin exports under the name `symbol`.
    ///
    /// The result dereferences to a `T`: for a function the function pointer's type, for a static a raw pointer to it.
    ///
    /// # Errors
    ///
    /// [`LoadError::NoSymbol`] if the plugin exports nothing of this name.
    ///
    /// # Safety
    ///
    /// `T` is the type of the symbol, as above.
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
        let library = handles.library.as_ref().expect("a plugin with a live handle is loaded");
        // SAFETY: the library stays open for as long as this handle is live, which outlives the symbol: only `unload` and
        // dropping end it, and the symbol borrows it.
        let library: &Library = unsafe { &*ptr::from_ref(library) };
        drop(handles);
        // SAFETY: the caller's word.
        unsafe { library.get(symbol) }.map_err(|source| LoadError::NoSymbol {
            path: self.path.clone(),
            symbol: String::from_utf8_lossy(symbol).trim_end_matches('\0').to_owned(),
            source,
        })
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

    /// What has become of the plugin.
    ///
    /// ```no_run
    /// # use plugin_tls::host::{Plugin, PluginState};
    /// # fn show(plugin: &Plugin) {
    /// assert_eq!(plugin.state(), PluginState::Live);
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> PluginState {
        match self.loaded.binary {
            Some(binary) if self.is_loaded() && binary.is_draining() => PluginState::Draining,
            _ => PluginState::Live,
        }
    }

    /// Whether the plugin that this is a handle of is still there: another handle may have been the last to be unloaded.
    fn is_loaded(&self) -> bool {
        self.loaded.handles().library.is_some()
    }
}

/// Gives the plugin up: it stays mapped for good.
impl Drop for Plugin {
    fn drop(&mut self) {
        let mut handles = self.loaded.handles();
        if handles.library.is_some() {
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
