//! Loading plugins.

use std::ffi::c_void;
use std::fmt;
use std::fs;
use std::io;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::ptr;

use libloading::{Library, Symbol};

use super::error::LoadError;
use crate::abi::{self, ENTRY_SYMBOL, Entry, Header, Sink};
use crate::binary;
use crate::store::api::{self, Load};

/// A loaded plugin.
///
/// Dropping it keeps the plugin loaded: its items' values, and whatever else it has given to the host, stay valid.
///
/// Loading a file that is loaded already gives another handle to the same plugin, as the system's loader has it: its
/// items are registered once, and its code is not run again. A copy of the file under another name is another plugin.
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
    /// Never closed by dropping the plugin: pointers into it may be anywhere.
    library: ManuallyDrop<Library>,
    path: PathBuf,
    name: String,
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
}

impl fmt::Display for PluginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PluginState::Live => f.write_str("live"),
        }
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
        check_file(path)?;
        let path = path.to_owned();
        let table = binary::use_own();
        if !ptr::eq(table, api::table()) {
            return Err(LoadError::NotTheHost { path });
        }
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
        // SAFETY: the caller's word. Dropping the library on an error closes it: nothing of it has been kept by then.
        let library = match unsafe { open(&path) } {
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
        // SAFETY: an entry of this major version, at least as long as this binary knows it.
        let Some(connect) = (unsafe { (*entry).connect }) else {
            return Err(LoadError::DamagedEntry { path, what: "it has no function".to_owned() });
        };
        let mut load = Load { name: name.clone(), trusted, mismatches: Vec::new() };
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
        Ok(Plugin { library: ManuallyDrop::new(library), path, name })
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
        // SAFETY: the caller's word.
        unsafe { self.library.get(symbol) }.map_err(|source| LoadError::NoSymbol {
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
        PluginState::Live
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("path", &self.path).field("state", &self.state()).finish_non_exhaustive()
    }
}

/// Says what is wrong with the path in words that the system's loader would not find.
fn check_file(path: &Path) -> Result<(), LoadError> {
    let path = || path.to_owned();
    match fs::metadata(path()) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(LoadError::NotAFile { path: path() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LoadError::NotFound { path: path() }),
        Err(source) => Err(LoadError::Unreadable { path: path(), source }),
    }
}

/// Opens the library with its names kept to itself and all of its needs resolved now, so that what is missing is a
/// reason not to load it and not a crash later.
///
/// # Safety
///
/// The library's constructors may run.
unsafe fn open(path: &Path) -> Result<Library, libloading::Error> {
    // A bare name would be looked for in the system's folders.
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    #[cfg(unix)]
    {
        use libloading::os::unix;
        // SAFETY: the caller's word.
        unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Library::from)
    }
    #[cfg(not(unix))]
    {
        // SAFETY: the caller's word.
        unsafe { Library::new(path) }
    }
}
