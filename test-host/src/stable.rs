//! The plugin `stable-items`, which loads whichever compiler it comes from.

use std::path::Path;

use plugin_tls::host::Plugin;
use test_stable_api::Operation;

/// A loaded `stable-items`, or a copy of it.
#[derive(Debug)]
pub struct StableItems {
    pub plugin: Plugin,
    run: extern "C" fn(Operation, u64) -> u64,
    own_calls: extern "C" fn() -> u64,
    plain_calls: extern "C" fn() -> u64,
}

impl StableItems {
    /// Loads a file that must load.
    #[track_caller]
    pub fn load(path: impl AsRef<Path>) -> Self {
        // SAFETY: a plugin of this workspace.
        let plugin = unsafe { Plugin::load(path) }.unwrap_or_else(|error| panic!("{error}"));
        // SAFETY: the plugin's functions of these names have these types.
        unsafe {
            StableItems {
                run: *plugin.get(b"stable").unwrap_or_else(|error| panic!("{error}")),
                own_calls: *plugin.get(b"own_calls").unwrap_or_else(|error| panic!("{error}")),
                plain_calls: *plugin.get(b"plain_calls").unwrap_or_else(|error| panic!("{error}")),
                plugin,
            }
        }
    }

    /// Runs an operation in the plugin.
    pub fn run(&self, operation: Operation, argument: u64) -> u64 {
        (self.run)(operation, argument)
    }

    /// Counts in an item that only this plugin has.
    pub fn own_calls(&self) -> u64 {
        (self.own_calls)()
    }

    /// Counts in a plain static, of which each image has one.
    pub fn plain_calls(&self) -> u64 {
        (self.plain_calls)()
    }
}
