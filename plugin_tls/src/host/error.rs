//! Why a plugin was not loaded.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::store::verify::Mismatch;

/// An error returned by [`Plugin::load`](super::Plugin::load) and [`Plugin::get`](super::Plugin::get).
///
/// After a failed load nothing of the library is mapped that was not mapped before, and nothing of it is registered.
///
/// ```
/// use plugin_tls::host::{LoadError, Plugin};
///
/// // SAFETY: there is no such file, so nothing of it runs.
/// let error = unsafe { Plugin::load("no-such-plugin.so") }.unwrap_err();
/// assert!(matches!(error, LoadError::NotFound { .. }));
/// assert!(error.to_string().contains("no-such-plugin.so"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    NotFound {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The path leads to something that is not a file.
    NotAFile {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The file cannot be looked at.
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system's loader refused the file: it is no library, or one for another platform, or it needs a symbol or
    /// another library that is not there.
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// What the loader said.
        source: libloading::Error,
    },
    /// The plugin that was loaded from this path before is still mapped, and the system's loader gives that one again,
    /// although the file has changed since.
    OldImage {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The library does not export what `export_plugin!` exports.
    NotAPlugin {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The plugin's `plugin_tls` speaks another version of the binary contract.
    AbiMajor {
        /// The path as it was given.
        path: PathBuf,
        /// The host's major version.
        host: u16,
        /// The plugin's major version.
        plugin: u16,
    },
    /// The plugin's entry is not one: another library has a symbol of that name, or the file is damaged.
    DamagedEntry {
        /// The path as it was given.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Verification refused items of the plugin: all that is wrong with them.
    Rejected {
        /// The path as it was given.
        path: PathBuf,
        /// One for each difference.
        mismatches: Vec<Mismatch>,
    },
    /// The plugin did not connect, for a reason of its own.
    Refused {
        /// The path as it was given.
        path: PathBuf,
        /// What the plugin said.
        reason: String,
    },
    /// This binary is itself a plugin that uses another host's store, so it cannot load plugins of its own.
    NotTheHost {
        /// The path as it was given.
        path: PathBuf,
    },
    /// [`Plugin::get`](super::Plugin::get): the plugin does not export the symbol.
    NoSymbol {
        /// The plugin's file.
        path: PathBuf,
        /// The symbol's name.
        symbol: String,
        /// What the loader said.
        source: libloading::Error,
    },
}

impl LoadError {
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
        match self {
            LoadError::NotFound { path }
            | LoadError::NotAFile { path }
            | LoadError::Unreadable { path, .. }
            | LoadError::Open { path, .. }
            | LoadError::OldImage { path }
            | LoadError::NotAPlugin { path }
            | LoadError::AbiMajor { path, .. }
            | LoadError::DamagedEntry { path, .. }
            | LoadError::Rejected { path, .. }
            | LoadError::Refused { path, .. }
            | LoadError::NotTheHost { path }
            | LoadError::NoSymbol { path, .. } => path,
        }
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
        match self {
            LoadError::Rejected { mismatches, .. } => mismatches,
            _ => &[],
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        match self {
            LoadError::NotFound { .. } => write!(f, "cannot load {path}: there is no such file"),
            LoadError::NotAFile { .. } => write!(f, "cannot load {path}: it is not a file, name the library itself"),
            LoadError::Unreadable { source, .. } => write!(f, "cannot load {path}: {source}"),
            LoadError::Open { source, .. } => {
                write!(f, "cannot load {path}: the system's loader refused it: {source}")
            }
            LoadError::OldImage { .. } => write!(
                f,
                "cannot load {path}: the file has changed, but the plugin that was loaded from it before is still mapped, \
                 and the system would give that one again: unload it first, or load the new file under another name"
            ),
            LoadError::NotAPlugin { .. } => write!(
                f,
                "cannot load {path}: it is a library, but no plugin: its crate must call `plugin_tls::export_plugin!()`"
            ),
            LoadError::AbiMajor { host, plugin, .. } => write!(
                f,
                "cannot load {path}: it speaks version {plugin} of the binary contract, this host version {host}: \
                 build both with versions of plugin_tls that share the major version"
            ),
            LoadError::DamagedEntry { what, .. } => write!(
                f,
                "cannot load {path}: its `plugin_tls_entry` is not what `plugin_tls::export_plugin!()` makes: {what}"
            ),
            LoadError::Rejected { mismatches, .. } => {
                write!(f, "cannot load {path}: {} of its items cannot be shared", mismatches.len())?;
                mismatches.iter().try_for_each(|mismatch| write!(f, "\n{mismatch}"))
            }
            LoadError::Refused { reason, .. } => write!(f, "cannot load {path}: it did not connect: {reason}"),
            LoadError::NotTheHost { .. } => {
                write!(f, "cannot load {path}: this binary is a plugin of another host; let that host load the plugin")
            }
            LoadError::NoSymbol { symbol, .. } => write!(f, "{path} does not export `{symbol}`"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LoadError::Unreadable { source, .. } => Some(source),
            LoadError::Open { source, .. } | LoadError::NoSymbol { source, .. } => Some(source),
            _ => None,
        }
    }
}
