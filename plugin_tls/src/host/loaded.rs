//! Which plugins are loaded: one [`Loaded`] for each, whatever the number of its handles.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use libloading::Library;
use plugin_tls_abi::sync::Mutex;
use plugin_tls_store::store::Connected;

use super::blocker::Blocker;
use super::file::FileMark;
use super::state::PluginState;

/// What all handles to one plugin share.
pub(super) struct Loaded {
    /// The address of its entry.
    pub(super) entry: usize,
    /// What the file was like when it was loaded.
    pub(super) file: FileMark,
    /// See [`Entry::disconnect`](plugin_tls_abi::table::Entry::disconnect).
    pub(super) disconnect: unsafe extern "C" fn(),
    /// Whether the host has taken over what the plugin's own std leaves behind, where there is such a thing.
    pub(super) taken_over: bool,
    handles: Mutex<Handles>,
    /// Held while a handle is being unloaded.
    pub(super) unloading: Mutex<()>,
}

/// What the lock of a [`Loaded`] protects.
pub(super) struct Handles {
    pub(super) image: Image,
    /// Handles that are not being unloaded.
    pub(super) live: usize,
    /// A handle was dropped.
    pub(super) given_up: bool,
}

/// The plugin's image.
pub(super) enum Image {
    /// It is mapped. `connected` is `None` if the plugin was connected by hand.
    Mapped { library: Library, connected: Option<&'static Connected> },
    /// It is being closed: the store does not know it any more.
    Closing,
    /// It has been closed. The state says whether it has left memory.
    Closed(PluginState),
}

impl Handles {
    /// The handles that keep the plugin.
    pub(super) fn blockers(&self) -> Vec<Blocker> {
        let live = (0..self.live).map(|_| Blocker::Handle);
        live.chain(self.given_up.then_some(Blocker::GivenUp)).collect()
    }

    pub(super) fn state(&self) -> PluginState {
        match &self.image {
            Image::Mapped { connected: Some(connected), .. } if connected.binary.is_draining() => PluginState::Draining,
            Image::Mapped { .. } if self.given_up => PluginState::Kept,
            Image::Mapped { .. } => PluginState::Live,
            Image::Closing => PluginState::Draining,
            Image::Closed(state) => *state,
        }
    }
}

impl Loaded {
    pub(super) fn new(
        entry: usize,
        file: FileMark,
        disconnect: unsafe extern "C" fn(),
        taken_over: bool,
        library: Library,
        connected: Option<&'static Connected>,
    ) -> Self {
        let image = Image::Mapped { library, connected };
        let handles = Mutex::new(Handles { image, live: 1, given_up: false });
        Loaded { entry, file, disconnect, taken_over, handles, unloading: Mutex::default() }
    }

    pub(super) fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock()
    }
}

/// All plugins that are loaded, by the address of their entry.
pub(super) static LOADED: Mutex<BTreeMap<usize, Arc<Loaded>>> = Mutex::new(BTreeMap::new());
