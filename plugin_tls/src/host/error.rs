//! Why a plugin was not loaded.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use plugin_tls_store::mismatch::Mismatch;

/// An error returned by [`Plugin::load`](super::Plugin::load) and [`Plugin::get`](super::Plugin::get).
///
/// After a failed load nothing of the library is mapped that was not mapped before, and nothing of it is registered.
///
/// `Display` says what is wrong and what to do. What the system said is the [`source`](Error::source).
///
/// ```
/// use plugin_tls::host::{LoadErrorKind, Plugin};
///
/// // SAFETY: there is no such file, so nothing of it runs.
/// let error = unsafe { Plugin::load("no-such-plugin.so") }.unwrap_err();
/// assert!(matches!(error.kind(), LoadErrorKind::NotFound));
/// assert!(error.to_string().contains("no-such-plugin.so"));
/// ```
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    kind: LoadErrorKind,
}

/// What the system said.
type Source = Box<dyn Error + Send + Sync>;

/// What went wrong: see [`LoadError`].
///
/// ```
/// use plugin_tls::host::{LoadError, LoadErrorKind};
///
/// fn is_my_mistake(error: &LoadError) -> bool {
///     matches!(error.kind(), LoadErrorKind::NotFound | LoadErrorKind::NotAFile)
/// }
/// # // SAFETY: there is no such file, so nothing of it runs.
/// # assert!(is_my_mistake(&unsafe { plugin_tls::host::Plugin::load("no-such-plugin.so") }.unwrap_err()));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// There is no such file.
    NotFound,
    /// The path leads to something that is not a file.
    NotAFile,
    /// The file cannot be read.
    #[non_exhaustive]
    Unreadable {
        /// What the system said.
        source: Source,
    },
    /// The file is not whole, its headers make no sense, or it is built for another machine.
    #[non_exhaustive]
    DamagedFile {
        /// What is wrong with it.
        what: String,
    },
    /// The system's loader refused the file: it is no library, or one for another platform, or it needs a symbol or
    /// another library that is not there.
    #[non_exhaustive]
    Open {
        /// What the loader said.
        source: Source,
    },
    /// The plugin that was loaded from this path before is still mapped, and the system's loader gives that one again,
    /// although the file has been written since.
    OldImage,
    /// The library does not export what `export_plugin!` exports.
    NotAPlugin,
    /// The plugin's `plugin_tls` speaks another version of the binary contract.
    #[non_exhaustive]
    AbiMajor {
        /// The host's major version.
        host: u16,
        /// The plugin's major version.
        plugin: u16,
    },
    /// The plugin's entry is not one: another library has a symbol of that name, or the file is damaged.
    #[non_exhaustive]
    DamagedEntry {
        /// What is wrong with it.
        what: String,
    },
    /// Verification refused items of the plugin: all that is wrong with them.
    #[non_exhaustive]
    Rejected {
        /// One for each difference.
        mismatches: Vec<Mismatch>,
    },
    /// The plugin's global allocator is known to be another one than the host's.
    OtherAllocator,
    /// The plugin did not connect, for a reason of its own.
    #[non_exhaustive]
    Refused {
        /// What the plugin said.
        reason: String,
    },
    /// This binary is itself a plugin that uses another host's store, so it cannot load plugins of its own.
    NotTheHost,
    /// [`Plugin::get`](super::Plugin::get): the plugin does not export the symbol.
    #[non_exhaustive]
    NoSymbol {
        /// The symbol's name.
        symbol: String,
        /// What the loader said.
        source: Source,
    },
    /// [`Plugin::get`](super::Plugin::get): another handle has unloaded the plugin.
    Unloaded,
}

impl LoadError {
    pub(super) fn new(path: &Path, kind: LoadErrorKind) -> Self {
        LoadError { path: path.to_owned(), kind }
    }

    /// The file that could not be loaded, or in which a symbol was not found.
    ///
    /// ```
    /// use plugin_tls::host::Plugin;
    /// use std::path::Path;
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// let error = unsafe { Plugin::load("no-such-plugin.so") }.unwrap_err();
    /// assert_eq!(error.path(), Path::new("no-such-plugin.so"));
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What went wrong.
    ///
    /// ```
    /// use plugin_tls::host::{LoadErrorKind, Plugin};
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// let error = unsafe { Plugin::load("no-such-plugin.so") }.unwrap_err();
    /// assert!(matches!(error.kind(), LoadErrorKind::NotFound));
    /// ```
    #[must_use]
    pub fn kind(&self) -> &LoadErrorKind {
        &self.kind
    }

    /// What verification found, if it is the reason.
    ///
    /// ```
    /// use plugin_tls::host::Plugin;
    ///
    /// // SAFETY: there is no such file, so nothing of it runs.
    /// let error = unsafe { Plugin::load("no-such-plugin.so") }.unwrap_err();
    /// assert!(error.mismatches().is_empty());
    /// ```
    #[must_use]
    pub fn mismatches(&self) -> &[Mismatch] {
        match &self.kind {
            LoadErrorKind::Rejected { mismatches } => mismatches,
            _ => &[],
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            LoadErrorKind::NotFound => write!(f, "cannot load {path}: there is no such file"),
            LoadErrorKind::NotAFile => write!(f, "cannot load {path}: it is not a file, name the library itself"),
            LoadErrorKind::Unreadable { .. } => write!(f, "cannot load {path}: the file cannot be read"),
            LoadErrorKind::DamagedFile { what } => write!(f, "cannot load {path}: {what}"),
            LoadErrorKind::Open { .. } => write!(f, "cannot load {path}: the system's loader refused it"),
            LoadErrorKind::OldImage => write!(
                f,
                "cannot load {path}: the file has been written since the plugin was loaded from it, but that plugin is \
                 still mapped, and the system's loader would give it again: unload it first, or load the new file under \
                 another name"
            ),
            LoadErrorKind::NotAPlugin => write!(
                f,
                "cannot load {path}: it does not export `plugin_tls_entry`: call `plugin_tls::export_plugin!()` once in \
                 the plugin, and build it as a cdylib"
            ),
            LoadErrorKind::AbiMajor { host, plugin } => write!(
                f,
                "cannot load {path}: it speaks version {plugin} of the binary contract, this host version {host}: \
                 build both with versions of plugin_tls that share the major version"
            ),
            LoadErrorKind::DamagedEntry { what } => write!(
                f,
                "cannot load {path}: its `plugin_tls_entry` is not what `plugin_tls::export_plugin!()` makes: {what}"
            ),
            LoadErrorKind::Rejected { mismatches } => {
                write!(f, "cannot load {path}: {} of its items cannot be shared", mismatches.len())?;
                mismatches.iter().try_for_each(|mismatch| write!(f, "\n{mismatch}"))
            }
            LoadErrorKind::OtherAllocator => write!(f, "cannot load {path}: {}", plugin_tls_store::allocator::OTHER),
            LoadErrorKind::Refused { reason } => write!(f, "cannot load {path}: it did not connect: {reason}"),
            LoadErrorKind::NotTheHost => {
                write!(f, "cannot load {path}: this binary is a plugin of another host; let that host load the plugin")
            }
            LoadErrorKind::NoSymbol { symbol, .. } => write!(f, "{path} does not export `{symbol}`"),
            LoadErrorKind::Unloaded => write!(f, "{path} was unloaded by another handle: load it again"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            LoadErrorKind::Unreadable { source }
            | LoadErrorKind::Open { source }
            | LoadErrorKind::NoSymbol { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
