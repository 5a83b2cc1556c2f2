//! Taking a plugin out of the store, or saying what holds it.

use std::fmt;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use plugin_tls_abi::sys::image::Span;
use plugin_tls_abi::sys::{key, memory};

use crate::records::{Binary, ItemCopy};
use crate::store::{Connected, Store};
use crate::threads::{TaskKind, Thread};
use crate::values::process::ProcessView;

/// What still needs a plugin's code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hold {
    /// A thread has a value that the plugin's code built and must drop.
    Value { thread: ThreadInfo, item: ItemInfo },
    /// The plugin's code is building or dropping a value right now; of a process-wide item it is not known on which thread.
    Running { thread: Option<ThreadInfo>, item: ItemInfo },
    /// A thread has functions of the plugin's own std to call before it ends.
    ThreadExit { thread: ThreadInfo },
    /// A thread that the plugin has started runs. It has no name yet if it is being started.
    StartedThread { thread: Option<ThreadInfo> },
}

/// A thread, for people. `Display` is `thread 4711 (worker-1)`.
///
/// ```
/// fn join(thread: &plugin_tls_store::unload::ThreadInfo) -> String {
///     format!("join {thread}, whose name is {:?}", thread.name)
/// }
/// # let _ = join;
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ThreadInfo {
    /// The system's number.
    pub id: u64,
    /// The name, as the system has it (Linux keeps 15 bytes of it).
    pub name: Option<String>,
}

/// An item, for people. `Display` is the path and the type.
///
/// ```
/// fn link(item: &plugin_tls_store::unload::ItemInfo) -> String {
///     format!("link the crate of {} in the host", item.path)
/// }
/// # let _ = link;
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ItemInfo {
    /// `crate::module::NAME`.
    pub path: String,
    /// The type as written.
    pub ty: String,
}

impl fmt::Display for ThreadInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {} ({})", self.id, self.name.as_deref().unwrap_or("without name"))
    }
}

impl fmt::Display for ItemInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (`{}`)", self.path, self.ty)
    }
}

/// A word of a value that might be an address in an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundAddress {
    pub item: ItemInfo,
    /// From the start of the value, in bytes.
    pub offset: usize,
    pub address: usize,
    /// The thread whose value it is; `None` for a process-wide value.
    pub thread_id: Option<u64>,
}

impl ThreadInfo {
    fn of(thread: &Thread) -> Self {
        ThreadInfo { id: thread.id(), name: thread.name() }
    }
}

impl ItemInfo {
    fn of(copy: &ItemCopy) -> Self {
        let identity = copy.record.identity;
        ItemInfo { path: identity.to_string(), ty: identity.fields().ty.to_owned() }
    }
}

impl Store {
    /// From now on the plugin's code creates nothing new. What it owns is dropped as far as the calling thread may.
    ///
    /// # Safety
    ///
    /// - No thread refers to a process-wide value that the plugin owns, and the calling thread refers to no value that it
    ///   owns.
    /// - Process-wide values that the plugin owns may be dropped on this thread.
    pub unsafe fn drain(&'static self, plugin: &'static Binary) {
        if !plugin.draining.swap(true, Relaxed) {
            self.threads.progress.begin_draining();
        }
        // Thread-locals first: their destructors are more likely to use process-wide values than the reverse.
        // SAFETY: the caller guarantees that this thread refers to no value of the plugin.
        unsafe { self.run_tasks_of(plugin) };
        // SAFETY: the caller guarantees that no thread refers to these values, and that they may be dropped here.
        unsafe { self.process.drop_values(&self.registry, Some(plugin)) };
        // The destructors of those may have used thread-locals of the plugin's own std.
        // SAFETY: the caller guarantees that this thread refers to no value of the plugin.
        unsafe { self.run_tasks_of(plugin) };
    }

    /// Runs the calling thread's tasks that need the plugin's code.
    ///
    /// # Safety
    ///
    /// The calling thread refers to no value that the plugin owns.
    unsafe fn run_tasks_of(&'static self, plugin: &'static Binary) {
        self.threads.with_current(|thread| {
            // SAFETY: the caller guarantees that the thread refers to none of these values.
            unsafe { thread.run_matching(|task| ptr::eq(task.kind().binary(), plugin)) }
        });
    }

    /// The reverse of [`drain`](Self::drain): the plugin may create values again.
    pub fn revive(&self, plugin: &Binary) {
        if plugin.draining.swap(false, Relaxed) {
            self.threads.progress.end_draining();
        }
    }

    /// What still needs the plugin's code.
    pub fn holds(&self, plugin: &'static Binary) -> Vec<Hold> {
        let owned = |binary: &Binary| ptr::eq(binary, plugin);
        let mut holds = Vec::new();
        // Before the threads: see `Binary`.
        let (started, starting) = (plugin.started.load(Relaxed), plugin.starting.load(Acquire));
        self.threads.for_each(|thread| {
            if thread.started_by().is_some_and(owned) {
                holds.push(Hold::StartedThread { thread: Some(ThreadInfo::of(thread)) });
            }
            let mut functions = false;
            let (mut waiting, mut active) = (Vec::new(), Vec::new());
            thread.for_each_waiting(|task| match task.kind() {
                kind if !owned(kind.binary()) => {}
                TaskKind::Value(owner) => waiting.push(owner),
                TaskKind::Function { .. } | TaskKind::Key { .. } => functions = true,
            });
            thread.for_each_active(|task| match task.kind() {
                kind if !owned(kind.binary()) => {}
                TaskKind::Value(owner) => active.push(owner),
                TaskKind::Function { .. } | TaskKind::Key { .. } => functions = true,
            });
            let name = || ThreadInfo::of(thread);
            holds.extend(waiting.into_iter().map(|owner| Hold::Value { thread: name(), item: ItemInfo::of(owner) }));
            let running = |owner| Hold::Running { thread: Some(name()), item: ItemInfo::of(owner) };
            holds.extend(active.into_iter().map(running));
            if functions {
                holds.push(Hold::ThreadExit { thread: name() });
            }
        });
        if starting != 0 || plugin.started.load(Relaxed) != started {
            holds.push(Hold::StartedThread { thread: None });
        }
        self.registry.read(|registered| {
            registered.for_each_record(Some(plugin), |record| {
                // What is there now was being built when the plugin's values were dropped.
                let (ProcessView::Running(owner) | ProcessView::Live(owner) | ProcessView::Poisoned(owner)) =
                    record.process_view()
                else {
                    return;
                };
                if owned(owner.binary) {
                    holds.push(Hold::Running { thread: None, item: ItemInfo::of(owner) });
                }
            });
        });
        holds
    }

    /// Takes out a plugin that nothing holds: its copies, its keys. It is freed.
    ///
    /// # Safety
    ///
    /// - The plugin was connected to this store.
    /// - It has no [`holds`](Self::holds), and no code of it runs any more.
    pub unsafe fn remove(&'static self, plugin: &'static Connected) {
        let binary = plugin.binary;
        for (key, _) in binary.keys.lock().drain(..) {
            // SAFETY: the plugin's own std has made the key. Its code does not run any more, and it has left no task that
            // would use the key.
            unsafe { key::delete(key) };
        }
        self.revive(binary);
        // SAFETY: `connect` made the binary and the handle by `Box::leak`, and the caller guarantees that nothing refers to
        // them: neither values nor threads nor code.
        unsafe {
            self.registry.unregister(binary);
            drop(Box::from_raw(ptr::from_ref(plugin).cast_mut()));
        }
    }

    /// Looks through the bytes of all values for addresses within `span`. The values go on living, and may be written
    /// meanwhile: what is found is a hint.
    pub fn find_addresses(&self, span: &Span) -> Vec<FoundAddress> {
        let mut found = Vec::new();
        let mut look = |owner: &ItemCopy, value: *const u8, thread_id: Option<u64>| {
            let mut words = vec![0; owner.facts.size / size_of::<usize>()];
            if words.is_empty() || !memory::copy_words(value, &mut words) {
                return;
            }
            for (position, address) in words.into_iter().enumerate().filter(|(_, word)| span.contains(word)) {
                let offset = position * size_of::<usize>();
                found.push(FoundAddress { item: ItemInfo::of(owner), offset, address, thread_id });
            }
        };
        self.threads.for_each(|thread| {
            // Under the lock of the list, so that no value goes away.
            thread.for_each_waiting(|task| {
                if let (TaskKind::Value(owner), Some(value)) = (task.kind(), task.value()) {
                    look(owner, value.as_ptr(), Some(thread.id()));
                }
            });
        });
        self.registry.read(|registered| {
            for record in registered.records() {
                record.with_process_value(|owner, value| look(owner, value, None));
            }
        });
        found
    }

    /// Drops every process-wide value, and the calling thread's values. Other threads drop theirs at their next safe point
    /// or when they end.
    ///
    /// # Safety
    ///
    /// - No thread refers to a process-wide value, and the calling thread holds no reference into the store.
    /// - Process-wide values may be dropped on this thread.
    pub unsafe fn reset(&'static self) {
        // Thread-locals first: their destructors are more likely to use process-wide values than the reverse.
        // SAFETY: the caller guarantees that nothing refers to the values, and that they may be dropped here.
        unsafe {
            self.threads.reset();
            self.process.drop_values(&self.registry, None);
        }
    }
}
