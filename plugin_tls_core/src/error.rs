//! Why an access or a connection was refused.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

/// An error returned by [`LocalKey::try_with`](crate::LocalKey::try_with).
///
/// Like [`std::thread::AccessError`], with a [`reason`](Self::reason).
///
/// ```
/// use plugin_tls_core::AccessErrorReason;
///
/// plugin_tls_core::thread_local!(static LEVEL: u8 = 3);
///
/// match LEVEL.try_with(|level| *level) {
///     Ok(level) => assert_eq!(level, 3),
///     Err(error) if error.reason() == AccessErrorReason::Destroyed => println!("the thread is about to end"),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessError {
    reason: AccessErrorReason,
}

/// Why an item cannot be accessed.
///
/// ```
/// use plugin_tls_core::AccessErrorReason;
///
/// assert_eq!(AccessErrorReason::Destroyed.to_string(), "already destroyed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AccessErrorReason {
    /// The calling thread is ending and has already dropped its value of the item.
    Destroyed,
    /// This binary is a plugin, and no host has connected it yet.
    NotConnected,
    /// Verification found that the host or another plugin declares the item differently, or nothing proves that it declares
    /// the same one.
    Rejected,
    /// The plugin whose code would have to build the value is being unloaded, and may create nothing new.
    Draining,
}

impl AccessError {
    pub(crate) fn new(reason: AccessErrorReason) -> Self {
        AccessError { reason }
    }

    /// Why the item cannot be accessed.
    ///
    /// ```
    /// plugin_tls_core::thread_local!(static LEVEL: u8 = 3);
    ///
    /// let outcome = LEVEL.try_with(|level| *level).map_err(|error| error.reason());
    /// assert_eq!(outcome, Ok(3));
    /// ```
    #[must_use]
    pub fn reason(&self) -> AccessErrorReason {
        self.reason
    }
}

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessError").field("reason", &self.reason).finish()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for AccessError {}

impl fmt::Display for AccessErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccessErrorReason::Destroyed => "already destroyed",
            AccessErrorReason::NotConnected => {
                "this library is marked as a plugin by `export_plugin!`, and is not connected to a host: load it with \
                 `plugin_tls::host::Plugin::load`, or call `Context::initialize` in it before anything else; if it is a \
                 host that links a plugin's crate, call `Context::get` first"
            }
            AccessErrorReason::Rejected => "verification refused the item's declaration",
            AccessErrorReason::Draining => "the plugin is being unloaded and may create no new values",
        })
    }
}

/// An error returned by [`Context::initialize`](crate::Context::initialize). Nothing was changed.
///
/// ```
/// use plugin_tls_core::ConnectError;
///
/// fn report(error: ConnectError) -> String {
///     match error {
///         ConnectError::Rejected { report } => format!("rebuild the plugin: {report}"),
///         other => other.to_string(),
///     }
/// }
///
/// assert!(report(ConnectError::Null).contains("null"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The context holds a null pointer.
    Null,
    /// The context does not point at a `plugin_tls` table.
    NotAContext {
        /// The eight bytes that stand where the magic number should be.
        magic: u64,
    },
    /// The host speaks another major version of the binary contract.
    AbiMajor {
        /// The host's major version.
        host: u16,
        /// The major version of this binary.
        plugin: u16,
    },
    /// The host's table is shorter than what this binary needs: the host's `plugin_tls` is too old, or the table is
    /// damaged.
    Truncated {
        /// The size in bytes that the table states.
        found: usize,
        /// The size in bytes that this binary needs.
        needed: usize,
    },
    /// The host's table lacks an entry.
    MissingEntry {
        /// The name of the entry that is null.
        entry: &'static str,
    },
    /// The binary is connected to another host's store already.
    OtherHost,
    /// The binary has used an item already, or has given out its own context, and so has a store of its own.
    UsedLocally,
    /// The host refused the plugin's items.
    Rejected {
        /// Each mismatch with item, field, both sides' values and declaration sites, and what to do.
        report: String,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Null => f.write_str("the context is null: pass on what the host's `Context::get()` returned"),
            ConnectError::NotAContext { magic } => write!(
                f,
                "the context does not point at a plugin_tls table (it starts with {magic:#018x}): pass on what the \
                 host's `Context::get()` returned"
            ),
            ConnectError::AbiMajor { host, plugin } => write!(
                f,
                "the host speaks version {host} of the binary contract, this binary version {plugin}: build both with \
                 versions of plugin_tls that share the major version"
            ),
            ConnectError::Truncated { found, needed } => write!(
                f,
                "the host's table has {found} bytes, this binary needs {needed}: build the host with a plugin_tls at \
                 least as new as the plugin's"
            ),
            ConnectError::MissingEntry { entry } => {
                write!(f, "the host's table lacks `{entry}`: the table is damaged")
            }
            ConnectError::OtherHost => {
                f.write_str("this binary is connected to another host's store, and a binary has one store for life")
            }
            ConnectError::UsedLocally => f.write_str(
                "this binary has used its items, or has given out its own context, before it was connected, and so has a \
                 store of its own: call `Context::initialize` before that",
            ),
            ConnectError::Rejected { report } => write!(f, "the host refused the plugin's items:\n{report}"),
        }
    }
}

impl Error for ConnectError {}
