//! What has become of a plugin.

#![forbid(unsafe_code)]

use std::fmt;

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
    /// Its image has left memory.
    Unmapped,
    /// It stays mapped for good: a handle was dropped, or the system keeps the image.
    Kept,
}

impl fmt::Display for PluginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PluginState::Live => "live",
            PluginState::Draining => "draining",
            PluginState::Unmapped => "unmapped",
            PluginState::Kept => "kept",
        })
    }
}
