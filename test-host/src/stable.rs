//! The plugin `stable-items`, which loads even if another compiler than the host's built it.

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
        // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
        let plugin = unsafe { Plugin::load(path) }.unwrap_or_else(|error| panic!("{error}"));
        // SAFETY: the plugin exports functions with these names and types.
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

    /// Increments an item that only this plugin declares, and returns its value.
    pub fn own_calls(&self) -> u64 {
        (self.own_calls)()
    }

    /// Increments a plain static, which exists once per image, and returns its value.
    pub fn plain_calls(&self) -> u64 {
        (self.plain_calls)()
    }
}
