//! Unloading plugins.

use std::error::Error;
use std::ffi::c_void;
use std::fmt;
use std::mem;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plugin_tls_abi::sys::image;
use plugin_tls_store::store;
use plugin_tls_store::unload::FoundAddress;

use super::blocker::Blocker;
use super::loaded::{Image, LOADED};
use super::plugin::Plugin;
use super::state::PluginState;

impl Plugin {
    /// Unloads the plugin: its code may create nothing new, what it owns is dropped, and its image is unmapped.
    ///
    /// Dropped here are the process-wide values that the plugin's code built, and those of the calling thread. What other
    /// threads have of the plugin is dropped by them, when they end or reach a [`safe_point`]; until
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
    ///   `thread_local!` item that it has built: [`SnapshotItem::owners`](super::SnapshotItem::owners) tells who has.
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
        // This does not wait: this very thread may be in the midst of unloading the plugin, in a destructor.
        let Some(_unloading) = loaded.unloading.try_lock() else {
            return Err(StillInUse::new(self, vec![Blocker::Unloading]));
        };
        let (connected, mut blockers) = {
            let mut handles = loaded.handles();
            let connected = match &handles.image {
                Image::Mapped { connected, .. } => *connected,
                // Another handle's `unload` was the last one.
                Image::Closing | Image::Closed(_) => {
                    self.live = false;
                    let unmapped = handles.state() == PluginState::Unmapped;
                    return Ok(Unloaded { path: self.path().to_owned(), unmapped, hints: Vec::new() });
                }
            };
            if mem::take(&mut self.live) {
                handles.live -= 1;
            }
            (connected, handles.blockers())
        };
        match connected {
            None => blockers.push(Blocker::ConnectedByHand),
            Some(_) if !loaded.taken_over => blockers.push(Blocker::NotTakenOver),
            // While other handles use the plugin, nothing is taken from them.
            Some(connected) if blockers.is_empty() => {
                // SAFETY: the caller guarantees that nothing refers to the values that are dropped here, and that they may
                // be dropped on this thread.
                unsafe { store().drain(connected.binary) };
                blockers.extend(store().holds(connected.binary).into_iter().map(Blocker::from));
            }
            Some(_) => {}
        }
        if !blockers.is_empty() {
            return Err(StillInUse::new(self, blockers));
        }
        // SAFETY: there are no blockers, and the caller guarantees that no other code of the plugin runs.
        unsafe { self.close() }
    }

    /// Unmaps a plugin that nothing needs any more.
    ///
    /// # Safety
    ///
    /// The plugin has no blockers, and no code of it runs.
    unsafe fn close(self) -> Result<Unloaded, StillInUse> {
        let address = ptr::without_provenance::<c_void>(self.loaded.entry);
        let span = image::span_of(address);
        let look = self.looks_for_dangling();
        let found = span.as_ref().filter(|_| look).map(|span| store().find_addresses(span)).unwrap_or_default();
        let mut all = LOADED.lock();
        let (library, connected) = {
            let mut handles = self.loaded.handles();
            // Under the lock of `LOADED`: a destructor, or another thread, may have loaded the plugin again.
            let blockers = handles.blockers();
            if !blockers.is_empty() {
                drop((handles, all));
                return Err(StillInUse::new(self, blockers));
            }
            // From now on no handle reaches the store's record of the plugin.
            match mem::replace(&mut handles.image, Image::Closing) {
                Image::Mapped { library, connected } => (library, connected),
                other => {
                    handles.image = other;
                    drop((handles, all));
                    return Err(StillInUse::new(self, vec![Blocker::Unloading]));
                }
            }
        };
        all.remove(&self.loaded.entry);
        // SAFETY: the caller guarantees that the plugin has no blockers, and that no other code of it runs.
        unsafe {
            (self.loaded.disconnect)();
            if let Some(connected) = connected {
                store().remove(connected);
            }
        }
        let closed = library.close().is_ok();
        // Under the lock of `LOADED`, so that no other thread loads the plugin again meanwhile.
        let unmapped = closed && span.is_some() && image::span_of(address).is_none();
        drop(all);
        let state = if unmapped { PluginState::Unmapped } else { PluginState::Kept };
        self.loaded.handles().image = Image::Closed(state);
        let hints = found.into_iter().map(DanglingHint::from).collect();
        Ok(Unloaded { path: self.path().to_owned(), unmapped, hints })
    }
}

/// The plugin could not be unmapped yet: [`blockers`](Self::blockers) says what keeps it.
///
/// The plugin is draining: its values stay valid where they are, and its code creates no new ones. Dropping this gives
/// the plugin up: it stays mapped for good.
///
/// ```no_run
/// use std::time::Duration;
/// use plugin_tls::host::{Plugin, StillInUse};
///
/// # fn run(plugin: Plugin) -> Result<(), StillInUse> {
/// // SAFETY: nothing refers to the plugin or to values that it owns, but what `unload` itself finds.
/// match unsafe { plugin.unload() } {
///     Ok(unloaded) => println!("{unloaded}"),
///     Err(still_in_use) => {
///         eprintln!("{still_in_use}");
///         // Workers reach a safe point between two requests.
///         let unloaded = still_in_use.wait(Duration::from_secs(5))?;
///         println!("{unloaded}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct StillInUse {
    plugin: Plugin,
    blockers: Vec<Blocker>,
}

impl StillInUse {
    pub(super) fn new(plugin: Plugin, blockers: Vec<Blocker>) -> Self {
        StillInUse { plugin, blockers }
    }

    /// What keeps the plugin.
    ///
    /// ```no_run
    /// # fn show(still_in_use: &plugin_tls::host::StillInUse) {
    /// for blocker in still_in_use.blockers() {
    ///     eprintln!("{blocker}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// The plugin that is still there.
    ///
    /// ```no_run
    /// # fn show(still_in_use: &plugin_tls::host::StillInUse) {
    /// assert_eq!(still_in_use.plugin().state(), plugin_tls::host::PluginState::Draining);
    /// # }
    /// ```
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Tries again, now. What the caller of [`Plugin::unload`] guarantees holds for this too.
    ///
    /// # Errors
    ///
    /// What keeps the plugin now.
    ///
    /// ```no_run
    /// # fn retry(still_in_use: plugin_tls::host::StillInUse) {
    /// if let Err(still_in_use) = still_in_use.retry() {
    ///     eprintln!("{still_in_use}");
    /// }
    /// # }
    /// ```
    pub fn retry(self) -> Result<Unloaded, StillInUse> {
        // SAFETY: only `unload` makes a `StillInUse`, and its caller guarantees all of this for as long as it exists.
        unsafe { self.plugin.unload() }
    }

    /// Waits until nothing keeps the plugin any more, for `timeout` at most. What the caller of [`Plugin::unload`]
    /// guarantees holds for this too.
    ///
    /// # Errors
    ///
    /// What keeps the plugin after that time.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// # fn wait(still_in_use: plugin_tls::host::StillInUse) {
    /// if let Err(still_in_use) = still_in_use.wait(Duration::from_secs(1)) {
    ///     eprintln!("gave it up: {still_in_use}");
    /// }
    /// # }
    /// ```
    pub fn wait(self, timeout: Duration) -> Result<Unloaded, StillInUse> {
        // On overflow, wait forever.
        let deadline = Instant::now().checked_add(timeout);
        let progress = &store().threads.progress;
        let mut current = self;
        loop {
            let before = progress.so_far();
            current = match current.retry() {
                Ok(unloaded) => return Ok(unloaded),
                Err(still_in_use) => still_in_use,
            };
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(current);
            }
            progress.wait(before, deadline);
        }
    }
}

impl fmt::Display for StillInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is still in use:", self.plugin.path().display())?;
        self.blockers.iter().try_for_each(|blocker| write!(f, "\n  {blocker}"))
    }
}

impl fmt::Debug for StillInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StillInUse").field("plugin", &self.plugin).field("blockers", &self.blockers).finish()
    }
}

impl Error for StillInUse {}

/// A plugin has been unloaded: nothing of the store refers to it any more.
///
/// ```no_run
/// # fn show(unloaded: &plugin_tls::host::Unloaded) {
/// println!("{unloaded}");
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it says whether the plugin has really left memory"]
pub struct Unloaded {
    pub(super) path: PathBuf,
    pub(super) unmapped: bool,
    pub(super) hints: Vec<DanglingHint>,
}

impl Unloaded {
    /// The path that the plugin was loaded from.
    ///
    /// ```no_run
    /// # fn show(unloaded: &plugin_tls::host::Unloaded) {
    /// println!("{}", unloaded.path().display());
    /// # }
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the host has checked that the plugin's image has left memory. If not, the system keeps it: something else
    /// in the process has opened the library too, or its code has left with the system what cannot be taken back; or the
    /// host does not know how to check on this platform. The next load of the file may then find the old image.
    ///
    /// ```no_run
    /// # fn show(unloaded: &plugin_tls::host::Unloaded) {
    /// assert!(unloaded.is_unmapped());
    /// # }
    /// ```
    #[must_use]
    pub fn is_unmapped(&self) -> bool {
        self.unmapped
    }

    /// Surviving values that might still point into the plugin. Looked for in builds with debug assertions, or if
    /// [`Plugin::look_for_dangling`] asked for it.
    ///
    /// ```no_run
    /// # fn show(unloaded: &plugin_tls::host::Unloaded) {
    /// for hint in unloaded.hints() {
    ///     eprintln!("{hint}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn hints(&self) -> &[DanglingHint] {
        &self.hints
    }
}

impl fmt::Display for Unloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        if self.unmapped {
            write!(f, "{path} is unloaded and has left memory")?;
        } else {
            write!(
                f,
                "{path} is unloaded, but the system keeps it mapped, as far as can be told here: something else has opened \
                 the library too, or its code has left functions with the system"
            )?;
        }
        self.hints.iter().try_for_each(|hint| write!(f, "\n{hint}"))
    }
}

/// A place where a surviving value might still point into a plugin that is gone. It is a hint: the word may be a number
/// that happens to look like an address, and what the value points to in turn was not looked at.
///
/// ```no_run
/// # fn show(unloaded: &plugin_tls::host::Unloaded) {
/// for hint in unloaded.hints() {
///     eprintln!("{hint}");
/// }
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DanglingHint {
    /// The item: `crate::module::NAME`.
    pub item: String,
    /// The item's type, as written.
    pub ty: String,
    /// Where in the value the word is, in bytes from its start.
    pub offset: usize,
    /// The word.
    pub address: usize,
    /// The thread whose value it is; `None` for a process-wide value.
    pub thread_id: Option<u64>,
}

impl fmt::Display for DanglingHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hint: `{}` (`{}`)", self.item, self.ty)?;
        if let Some(thread) = self.thread_id {
            write!(f, " of thread {thread}")?;
        }
        write!(
            f,
            " has a word at byte {} that looks like an address in the plugin: {:#x}; if it is one, what it points to is \
             gone",
            self.offset, self.address
        )
    }
}

impl From<FoundAddress> for DanglingHint {
    fn from(found: FoundAddress) -> Self {
        let FoundAddress { item, offset, address, thread_id } = found;
        DanglingHint { item: item.path, ty: item.ty, offset, address, thread_id }
    }
}

/// Says that the calling thread holds no reference into the store. What waits for that is dropped here: values and
/// thread-exit functions of plugins that are being unloaded, and everything after a
/// [`Context::reset`](crate::Context::reset).
///
/// It is cheap when nothing waits. Call it where a worker thread has finished a piece of work, so that plugins need not wait
/// for the thread to end.
///
/// # Safety
///
/// The calling thread refers to no value of a `thread_local!` item: no `with` is running on it.
///
/// ```
/// for request in 0..3 {
///     println!("request {request}");
///     // SAFETY: no `with` is running here.
///     unsafe { plugin_tls::host::safe_point() };
/// }
/// ```
pub unsafe fn safe_point() {
    // SAFETY: the caller guarantees that the thread refers to no value.
    unsafe { store().threads.safe_point() }
}
