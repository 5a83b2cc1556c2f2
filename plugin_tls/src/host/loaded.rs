//! Which plugins are loaded: one entry for each, whatever the number of its handles.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libloading::Library;

use super::file::FileMark;
use crate::store::registry::Binary;
use crate::store::unloading::{Blocker, BlockerKind};

/// What all handles to one plugin share.
pub(super) struct Loaded {
    /// The address of its entry.
    pub(super) entry: usize,
    /// What the file was like when it was loaded.
    pub(super) file: FileMark,
    /// See [`Entry::disconnect`].
    pub(super) disconnect: unsafe extern "C" fn(),
    /// `None`: it was connected by hand, and is not ours to unload.
    pub(super) binary: Option<&'static Binary>,
    pub(super) handles: Mutex<Handles>,
    /// Held while a handle is being unloaded.
    pub(super) unloading: Mutex<()>,
}

pub(super) struct Handles {
    /// `None`: unloaded.
    pub(super) library: Option<Library>,
    /// Handles that are not being unloaded.
    pub(super) live: usize,
    /// A handle was dropped.
    pub(super) given_up: bool,
}

impl Handles {
    /// The handles that keep the plugin.
    pub(super) fn blockers(&self) -> Vec<Blocker> {
        let live = (0..self.live).map(|_| BlockerKind::Handle);
        live.chain(self.given_up.then_some(BlockerKind::GivenUp)).map(Blocker::new).collect()
    }
}

impl Loaded {
    pub(super) fn handles(&self) -> MutexGuard<'_, Handles> {
        // Nothing under this lock panics.
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All plugins that are loaded, by the address of their entry.
pub(super) static LOADED: Mutex<BTreeMap<usize, Arc<Loaded>>> = Mutex::new(BTreeMap::new());
