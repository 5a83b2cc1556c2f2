//! Unloading plugins.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::plugin::Plugin;
use crate::store::unloading::{Blocker, DanglingHint};
use crate::store::{progress, threads};

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

    /// Tries again, now. What the caller of [`Plugin::unload`] promised holds for this too.
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
        // SAFETY: only `unload` makes a `StillInUse`, and its caller has promised all of this for as long as it exists.
        unsafe { self.plugin.unload() }
    }

    /// Waits until nothing keeps the plugin any more, for `timeout` at most. What the caller of [`Plugin::unload`] promised
    /// holds for this too.
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
        // A timeout that no clock can tell is none.
        let deadline = Instant::now().checked_add(timeout);
        let mut current = self;
        loop {
            let before = progress::so_far();
            current = match current.retry() {
                Ok(unloaded) => return Ok(unloaded),
                Err(still_in_use) => still_in_use,
            };
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(current);
            }
            progress::wait(before, deadline);
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

/// Says that the calling thread holds no reference into the store, so that what waits for that can be dropped here: values
/// and thread-exit functions of plugins that are being unloaded, and everything after a
/// [`Context::reset`](crate::Context::reset).
///
/// Cheap when nothing waits. Call it where a worker thread has finished a piece of work, so that plugins need not wait
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
    // SAFETY: the caller's word.
    unsafe { threads::safe_point() }
}
