//! Freeing a plugin from the store, or saying what holds it.

use std::fmt;
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;

use super::entries::Task;
use super::process::{self, State};
use super::registry::{Binary, ItemCopy};
use super::{REGISTRY, image, progress, threads};

/// What keeps a plugin from being unmapped.
///
/// `Display` is a line for the person who must act on it.
///
/// ```
/// use plugin_tls::host::{Blocker, BlockerKind};
///
/// fn threads_to_join(blockers: &[Blocker]) -> Vec<u64> {
///     let threads = blockers.iter().filter(|blocker| blocker.kind == BlockerKind::Thread);
///     threads.filter_map(|blocker| blocker.thread_id).collect()
/// }
///
/// assert!(threads_to_join(&[]).is_empty());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Blocker {
    /// What it is.
    pub kind: BlockerKind,
    /// The system's number of the thread that it belongs to.
    pub thread_id: Option<u64>,
    /// The name of that thread, as the system has it (Linux keeps 15 bytes of it).
    pub thread_name: Option<String>,
    /// The item: `crate::module::NAME`.
    pub item: Option<String>,
    /// The item's type, as written.
    pub ty: Option<String>,
}

/// What a [`Blocker`] is.
///
/// ```
/// use plugin_tls::host::BlockerKind;
///
/// assert_ne!(BlockerKind::Value, BlockerKind::Thread);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum BlockerKind {
    /// A thread has a value that the plugin's code built and must drop.
    Value,
    /// The plugin's code is building or dropping a value right now.
    Running,
    /// A thread has used thread-locals of the plugin's own std, and has functions of the plugin to call before it ends.
    ThreadExit,
    /// A thread that the plugin has started is running.
    Thread,
    /// Another handle of the plugin is being unloaded right now.
    Unloading,
    /// There is another [`Plugin`](crate::host::Plugin) of the same file.
    Handle,
    /// A [`Plugin`](crate::host::Plugin) of the same file was dropped, and so given up: the plugin stays for good.
    GivenUp,
    /// The plugin was connected by hand before it was loaded, and has left with libc what cannot be taken back.
    ConnectedByHand,
}

impl Blocker {
    pub(crate) fn new(kind: BlockerKind) -> Self {
        Blocker { kind, thread_id: None, thread_name: None, item: None, ty: None }
    }

    fn on(self, thread: &threads::Thread) -> Self {
        Blocker { thread_id: Some(thread.id()), thread_name: thread.name(), ..self }
    }

    fn with_item(self, copy: &ItemCopy) -> Self {
        let identity = copy.record.identity();
        Blocker { item: Some(identity.to_string()), ty: Some(identity.ty.to_owned()), ..self }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.thread_name.as_deref().unwrap_or("without name");
        let thread = self.thread_id.map_or_else(|| "a thread".to_owned(), |id| format!("thread {id} ({name})"));
        let item = self.item.as_deref().unwrap_or("an item");
        let ty = self.ty.as_deref().unwrap_or("a type without name");
        match self.kind {
            BlockerKind::Value => {
                write!(f, "{thread} has a value of `{item}` (`{ty}`): let the thread end, or reach `safe_point`")
            }
            BlockerKind::Running => write!(f, "{thread} is building or dropping a value of `{item}` (`{ty}`): wait"),
            BlockerKind::ThreadExit => write!(
                f,
                "{thread} has used thread-locals of the plugin's own std: let the thread end, or reach `safe_point`"
            ),
            BlockerKind::Thread => {
                write!(f, "{thread} was started by the plugin and is running: make the plugin end it")
            }
            BlockerKind::Unloading => f.write_str("another handle of the plugin is being unloaded right now: wait"),
            BlockerKind::Handle => f.write_str("there is another `Plugin` of the same file: unload that one too"),
            BlockerKind::GivenUp => f.write_str(
                "a `Plugin` of the same file was dropped, which keeps it mapped for good: unload, do not drop",
            ),
            BlockerKind::ConnectedByHand => f.write_str(
                "the plugin was connected by hand before it was loaded, and has left functions with the system: load \
                 it without connecting it by hand",
            ),
        }
    }
}

/// A place where a surviving value might still point into a plugin that is gone. A hint: the word may be a number that
/// happens to look like an address, and what the value points to in turn was not looked at.
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

/// From now on the plugin's code creates nothing new; what it owns is dropped as far as the calling thread may.
///
/// # Safety
///
/// No thread refers to a process-wide value that the plugin owns, and the calling thread to no value that it owns.
pub(crate) unsafe fn drain(plugin: &'static Binary) {
    // SeqCst: see `threads::Own::begin`.
    if !plugin.draining.swap(true, SeqCst) {
        progress::begin_draining();
    }
    let owned = |binary: &Binary| ptr::eq(binary, plugin);
    // Thread-locals first: their destructors are more likely to use process-wide values than the reverse.
    threads::with_current(|thread| thread.run_matching(|entry| owned(entry.binary())));
    // SAFETY: the caller's word.
    unsafe { process::drop_values(&REGISTRY, Some(plugin)) };
    // The destructors of those may have used thread-locals of the plugin's own std.
    threads::with_current(|thread| thread.run_matching(|entry| owned(entry.binary())));
}

/// The reverse of [`drain`]: the plugin may create values again.
pub(crate) fn revive(plugin: &'static Binary) {
    if plugin.draining.swap(false, SeqCst) {
        progress::end_draining();
    }
}

/// What still needs the plugin's code.
pub(crate) fn blockers(plugin: &'static Binary) -> Vec<Blocker> {
    let owned = |binary: &Binary| ptr::eq(binary, plugin);
    let mut blockers = Vec::new();
    // Before the threads: one that is being started counts until it is among them, and one that starts another while this
    // looks has been counted.
    let (started, starting) = (plugin.started.load(SeqCst), plugin.starting.load(SeqCst));
    threads::for_each(|thread| {
        if thread.started_by().is_some_and(owned) {
            blockers.push(Blocker::new(BlockerKind::Thread).on(thread));
        }
        let list = &*thread.lock();
        let waiting = list.waiting().map(|entry| (BlockerKind::Value, entry));
        let active = list.active().map(|entry| (BlockerKind::Running, entry));
        let mut functions = false;
        for (kind, entry) in waiting.chain(active).filter(|(_, entry)| owned(entry.binary())) {
            match entry.task() {
                Task::Value(owner) => blockers.push(Blocker::new(kind).on(thread).with_item(owner)),
                Task::Function { .. } | Task::Key { .. } => functions = true,
            }
        }
        if functions {
            blockers.push(Blocker::new(BlockerKind::ThreadExit).on(thread));
        }
    });
    if starting != 0 || plugin.started.load(SeqCst) != started {
        blockers.push(Blocker::new(BlockerKind::Thread));
    }
    REGISTRY.read(|registered| {
        registered.records_of(Some(plugin), |record| {
            // What is there now was being built when the plugin's values were dropped.
            let (State::Building(_, owner) | State::Live { owner, .. } | State::Poisoned(owner)) =
                record.process.state()
            else {
                return;
            };
            if owned(owner.binary) {
                blockers.push(Blocker::new(BlockerKind::Running).with_item(owner));
            }
        });
    });
    blockers
}

/// Forgets a plugin that has no [`blockers`]: its copies, its keys.
///
/// # Safety
///
/// It has none, and no code of it runs but in calls from here.
pub(crate) unsafe fn forget(plugin: &'static Binary) {
    #[cfg(unix)]
    for (key, _) in plugin.keys().drain(..) {
        // SAFETY: a key of the plugin's own, which no thread uses any more.
        unsafe { libc::pthread_key_delete(key as libc::pthread_key_t) };
    }
    revive(plugin);
    // SAFETY: nothing refers to the plugin: it has no blockers.
    unsafe { REGISTRY.unregister(plugin) };
}

/// Looks through the bytes of all values for addresses within `span`. The values go on living, and may be written
/// meanwhile: what is found is a hint.
pub(crate) fn dangling(span: &image::Span) -> Vec<DanglingHint> {
    let mut hints = Vec::new();
    let mut look = |owner: &ItemCopy, value: *const u8, thread_id: Option<u64>| {
        let mut words = vec![0; owner.facts.size / size_of::<usize>()];
        if words.is_empty() || !image::copy_words(value, &mut words) {
            return;
        }
        for (position, address) in words.into_iter().enumerate().filter(|(_, word)| span.contains(word)) {
            let identity = owner.record.identity();
            let offset = position * size_of::<usize>();
            hints.push(DanglingHint {
                item: identity.to_string(),
                ty: identity.ty.to_owned(),
                offset,
                address,
                thread_id,
            });
        }
    };
    threads::for_each(|thread| {
        // Under the lock, so that no value goes away.
        let list = thread.lock();
        for entry in list.waiting() {
            if let Task::Value(owner) = entry.task() {
                look(owner, entry.value(owner).as_ptr(), Some(thread.id()));
            }
        }
    });
    REGISTRY.read(|registered| {
        for record in registered.records() {
            if let State::Live { owner, value, .. } = record.process.state() {
                look(owner, value.address(owner), None);
            }
        }
    });
    hints
}

/// Drops every process-wide value, and the calling thread's values; other threads drop theirs at their next safe point
/// or when they end.
///
/// # Safety
///
/// No thread refers to a process-wide value, and the calling thread to no value at all.
pub(crate) unsafe fn reset() {
    // Thread-locals first: their destructors are more likely to use process-wide values than the reverse.
    // SAFETY: the caller's word, for both.
    unsafe {
        threads::reset();
        process::drop_values(&REGISTRY, None);
    }
}
