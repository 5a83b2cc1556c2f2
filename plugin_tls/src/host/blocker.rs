//! What keeps a plugin from being unmapped.

#![forbid(unsafe_code)]

use std::fmt;

use plugin_tls_store::unload::{Hold, ItemInfo, ThreadInfo};

/// What keeps a plugin from being unmapped.
///
/// `Display` is a line for the person who must act on it.
///
/// ```
/// use plugin_tls::host::Blocker;
///
/// fn threads_to_join(blockers: &[Blocker]) -> Vec<u64> {
///     let threads = blockers.iter().filter_map(|blocker| match blocker {
///         Blocker::Thread { thread, .. } => thread.as_ref(),
///         _ => None,
///     });
///     threads.map(|thread| thread.id).collect()
/// }
///
/// assert!(threads_to_join(&[]).is_empty());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Blocker {
    /// A thread has a value that the plugin's code built and must drop.
    #[non_exhaustive]
    Value {
        /// The thread that has the value.
        thread: ThreadInfo,
        /// The value's item.
        item: ItemInfo,
    },
    /// The plugin's code is building or dropping a value right now.
    #[non_exhaustive]
    Running {
        /// The thread on which it runs; `None` for a process-wide value, of which that is not known.
        thread: Option<ThreadInfo>,
        /// The value's item.
        item: ItemInfo,
    },
    /// A thread has used thread-locals of the plugin's own std, and has functions of the plugin to call before it ends.
    #[non_exhaustive]
    ThreadExit {
        /// The thread that has to call them.
        thread: ThreadInfo,
    },
    /// A thread that the plugin has started is running.
    #[non_exhaustive]
    Thread {
        /// The thread; `None` while it is being started.
        thread: Option<ThreadInfo>,
    },
    /// Another handle of the plugin is being unloaded right now.
    Unloading,
    /// There is another [`Plugin`](super::Plugin) of the same file.
    Handle,
    /// A [`Plugin`](super::Plugin) of the same file was dropped, and so given up: the plugin stays for good.
    GivenUp,
    /// The plugin uses the host's store, but not because `Plugin::load` connected it: it was connected by hand before, or it
    /// shares plugin_tls with the host as a dynamic library. So it has left with the system what cannot be taken back.
    ConnectedByHand,
    /// The plugin's image leaves with the system what cannot be taken back: its crate is not a cdylib alone (see
    /// `export_plugin!`), or it uses std as a dynamic library.
    NotTakenOver,
}

impl Blocker {
    /// The thread that it belongs to, if it is one of a thread that is known.
    ///
    /// ```
    /// use plugin_tls::host::Blocker;
    ///
    /// fn names(blockers: &[Blocker]) -> Vec<&str> {
    ///     let threads = blockers.iter().filter_map(|blocker| blocker.thread());
    ///     threads.filter_map(|thread| thread.name.as_deref()).collect()
    /// }
    ///
    /// assert!(names(&[Blocker::Handle]).is_empty());
    /// ```
    #[must_use]
    pub fn thread(&self) -> Option<&ThreadInfo> {
        match self {
            Blocker::Value { thread, .. } | Blocker::ThreadExit { thread } => Some(thread),
            Blocker::Running { thread, .. } | Blocker::Thread { thread } => thread.as_ref(),
            _ => None,
        }
    }
}

impl From<Hold> for Blocker {
    fn from(hold: Hold) -> Self {
        match hold {
            Hold::Value { thread, item } => Blocker::Value { thread, item },
            Hold::Running { thread, item } => Blocker::Running { thread, item },
            Hold::ThreadExit { thread } => Blocker::ThreadExit { thread },
            Hold::StartedThread { thread } => Blocker::Thread { thread },
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let maybe = |thread: &Option<ThreadInfo>| thread.as_ref().map_or("a thread".to_owned(), ToString::to_string);
        match self {
            Blocker::Value { thread, item } => {
                write!(f, "{thread} has a value of {item}: let the thread end, or reach `safe_point`")
            }
            Blocker::Running { thread, item } => {
                write!(f, "{} is building or dropping a value of {item}: wait", maybe(thread))
            }
            Blocker::ThreadExit { thread } => write!(
                f,
                "{thread} has used thread-locals of the plugin's own std: let the thread end, or reach `safe_point`"
            ),
            Blocker::Thread { thread } => {
                write!(f, "{} was started by the plugin and is running: make the plugin end it", maybe(thread))
            }
            Blocker::Unloading => f.write_str("another handle of the plugin is being unloaded right now: wait"),
            Blocker::Handle => f.write_str("there is another `Plugin` of the same file: unload that one too"),
            Blocker::GivenUp => f.write_str(
                "a `Plugin` of the same file was dropped, which keeps it mapped for good: unload, do not drop",
            ),
            Blocker::ConnectedByHand => f.write_str(
                "the plugin was connected by hand before it was loaded, or it shares plugin_tls with the host as a dynamic \
                 library, and so has left functions with the system: load it without connecting it by hand, and link the \
                 crate statically",
            ),
            Blocker::NotTakenOver => f.write_str(
                "the plugin leaves functions with the system, because its crate is not a cdylib alone, or because it uses \
                 std as a dynamic library: set `crate-type = [\"cdylib\"]` in its Cargo.toml, and do not use \
                 `-C prefer-dynamic`",
            ),
        }
    }
}
