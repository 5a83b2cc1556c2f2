//! The list of what a thread has to do before it ends.
//!
//! The list is the thread's: it alone adds tasks and runs them. Other threads look at it, under its lock, to find out
//! whether a plugin is still needed. So a task of a plugin's is on the list from before the plugin's code starts to build a
//! value until after the plugin's code has dropped it:
//!
//! ```text
//! Room ──begin──► Active<Room> ──built──► Task, waiting ──take──► Active<Task> ──run──► freed
//! ```
//!
//! Tasks are linked, so that adding one allocates nothing: the node of a value stands right before the value, in the memory
//! that was allocated for both.

use std::alloc::Layout;
use std::ffi::{c_uint, c_void};
use std::marker::PhantomData;
use std::mem;
use std::ops::Deref;
use std::ptr::NonNull;

use plugin_tls_abi::sync::Mutex;
use plugin_tls_abi::sys::key;
use plugin_tls_abi::table::AtExit;

use crate::memory::Allocation;
use crate::records::{Binary, ItemCopy};
use crate::slots::{SlotLocals, Slots};

/// What a task is.
#[derive(Clone, Copy, Debug)]
pub enum TaskKind {
    /// Drop a value.
    Value(&'static ItemCopy),
    /// Call a function that the plugin's own std has left for the thread's end.
    Function { plugin: &'static Binary, function: AtExit, object: *mut c_void },
    /// Call the destructor of a key that the plugin's own std has made, if the thread has a value for it.
    Key { plugin: &'static Binary, key: c_uint, function: AtExit },
}

/// A node of a list. [`Room`], [`Task`] and [`TaskRef`] keep it alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Node(NonNull<NodeData>);

/// How each node starts.
#[repr(C)]
struct NodeData {
    older: Option<Node>,
    /// Of a value, which follows at [`offset`]. Without an owner the node is a [`NodeWithoutValue`].
    owner: Option<&'static ItemCopy>,
}

#[repr(C)]
struct NodeWithoutValue {
    data: NodeData,
    kind: TaskKind,
}

/// From the start of a node to its value.
fn offset(owner: &ItemCopy) -> usize {
    owner.facts.align.max(size_of::<NodeData>())
}

/// The memory of a node and a value of the owner's type.
fn layout(owner: &ItemCopy) -> Layout {
    Layout::from_size_align(offset(owner) + owner.facts.size, owner.facts.align.max(align_of::<NodeData>()))
        .expect("size and alignment come from a type")
}

impl Node {
    /// # Safety
    ///
    /// The node is alive.
    unsafe fn kind(self) -> TaskKind {
        // SAFETY: the caller guarantees that the node is alive.
        match unsafe { self.0.as_ref() }.owner {
            Some(owner) => TaskKind::Value(owner),
            // SAFETY: the caller guarantees that the node is alive, and without an owner it is a `NodeWithoutValue`.
            None => unsafe { self.0.cast::<NodeWithoutValue>().as_ref() }.kind,
        }
    }

    /// Where the value of a node of `owner` is, or will be.
    ///
    /// # Safety
    ///
    /// The node was made for `owner`, and it is alive.
    unsafe fn value(self, owner: &ItemCopy) -> NonNull<u8> {
        // SAFETY: the value follows within the same allocation: see `layout`.
        unsafe { self.0.cast::<u8>().add(offset(owner)) }
    }

    /// # Safety
    ///
    /// The node is alive, its owner is registered, and the node is owned once.
    unsafe fn into_allocation(self) -> Allocation {
        // SAFETY: the caller guarantees that the node is alive and owned once. Nodes are made in memory of this layout.
        unsafe {
            let layout = match self.kind() {
                TaskKind::Value(owner) => layout(owner),
                TaskKind::Function { .. } | TaskKind::Key { .. } => Layout::new::<NodeWithoutValue>(),
            };
            Allocation::from_raw(self.0.cast(), layout)
        }
    }
}

impl TaskKind {
    /// The binary whose code the task needs.
    pub fn binary(self) -> &'static Binary {
        match self {
            TaskKind::Value(owner) => owner.binary,
            TaskKind::Function { plugin, .. } | TaskKind::Key { plugin, .. } => plugin,
        }
    }

    fn part(self) -> Part {
        match self {
            TaskKind::Value(owner) if owner.drop.is_none() => Part::Values,
            TaskKind::Value(_) | TaskKind::Function { .. } => Part::First,
            TaskKind::Key { .. } => Part::Keys,
        }
    }
}

/// Room for a value, which is not there. It is freed when it is dropped.
#[derive(Debug)]
pub(crate) struct Room(Node);

impl Room {
    /// Room for a value that `owner`'s binary builds.
    pub(crate) fn new(owner: &'static ItemCopy) -> Self {
        let node = Allocation::new(layout(owner)).into_raw().cast::<NodeData>();
        // SAFETY: the memory is fresh, aligned for a node and larger than one.
        unsafe { node.write(NodeData { older: None, owner: Some(owner) }) };
        Room(Node(node))
    }

    /// The copy whose binary's code builds the value.
    pub(crate) fn owner(&self) -> &'static ItemCopy {
        // SAFETY: the room keeps its node alive.
        unsafe { self.0.0.as_ref() }.owner.expect("a room has an owner")
    }

    /// Where the value is to be built.
    pub(crate) fn value(&self) -> NonNull<u8> {
        // SAFETY: the node was made for its owner, and the room keeps it alive.
        unsafe { self.0.value(self.owner()) }
    }

    /// # Safety
    ///
    /// A value of the owner's type has been built in the room.
    pub(crate) unsafe fn assume_built(self) -> Task {
        Task(mem::ManuallyDrop::new(self).0)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: the room owns its node. It is dropped while its owner is registered: code that makes one does not let the
        // owner's binary go before it is active, nor after it was.
        drop(unsafe { self.0.into_allocation() });
    }
}

/// Something that a thread has to do before it ends, or before the code that does it goes away.
///
/// It is on a list, or it is being run; it is never dropped without being run.
#[derive(Debug)]
#[must_use]
pub(crate) struct Task(Node);

impl Task {
    /// A task that is not a value.
    fn without_value(kind: TaskKind) -> Self {
        let node = Allocation::new(Layout::new::<NodeWithoutValue>()).into_raw().cast::<NodeWithoutValue>();
        // SAFETY: the memory is fresh, and of this layout.
        unsafe { node.write(NodeWithoutValue { data: NodeData { older: None, owner: None }, kind }) };
        Task(Node(node.cast()))
    }

    /// Calls `function` with `object`.
    ///
    /// # Safety
    ///
    /// The function may be called with the object, once, on the thread that gets the task.
    pub(crate) unsafe fn function(plugin: &'static Binary, function: AtExit, object: *mut c_void) -> Self {
        Self::without_value(TaskKind::Function { plugin, function, object })
    }

    /// Calls the destructor of a key.
    ///
    /// # Safety
    ///
    /// The key exists for as long as the plugin is registered, and `function` is its destructor.
    pub(crate) unsafe fn key(plugin: &'static Binary, key: c_uint, function: AtExit) -> Self {
        Self::without_value(TaskKind::Key { plugin, key, function })
    }

    pub(crate) fn kind(&self) -> TaskKind {
        // SAFETY: a task keeps its node alive.
        unsafe { self.0.kind() }
    }
}

/// A task that is on a list.
#[derive(Clone, Copy, Debug)]
pub struct TaskRef<'a> {
    node: Node,
    list: PhantomData<&'a List>,
}

impl TaskRef<'_> {
    pub fn kind(self) -> TaskKind {
        // SAFETY: the node is alive while it is on the list, which is borrowed.
        unsafe { self.node.kind() }
    }

    /// The address of the task's value. Of a task that is active, the value may not be there.
    pub fn value(self) -> Option<NonNull<u8>> {
        match self.kind() {
            // SAFETY: the node is alive while it is on the list, which is borrowed, and it was made for its owner.
            TaskKind::Value(owner) => Some(unsafe { self.node.value(owner) }),
            TaskKind::Function { .. } | TaskKind::Key { .. } => None,
        }
    }
}

/// A task or room that the code of its binary works on right now. While it is one of a plugin's, the list names it.
#[derive(Debug)]
#[must_use]
pub(crate) struct Active<T>(T);

impl<T> Deref for Active<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Active<Room> {
    /// A room that the host builds in. No list has to name it.
    pub(super) fn of_host(room: Room) -> Self {
        debug_assert!(room.owner().binary.is_host);
        Active(room)
    }
}

impl Active<Task> {
    /// Runs the task.
    ///
    /// # Safety
    ///
    /// This is the thread of the list, the task is run once, and nothing refers to its value any more.
    pub(crate) unsafe fn run(&self) {
        match self.kind() {
            TaskKind::Value(owner) => {
                if let Some(drop_value) = owner.drop {
                    // SAFETY: `Room::assume_built` says that the value was built for this owner, whose binary is mapped
                    // while the task is on the list. The caller guarantees that nothing refers to it and that it is
                    // dropped once.
                    unsafe { drop_value(self.0.0.value(owner).as_ptr(), owner.item) }
                }
            }
            // SAFETY: who made the task guarantees that the function may be called with the object on this thread, once.
            TaskKind::Function { function, object, .. } => unsafe { function(object) },
            // SAFETY: who made the task guarantees that the key exists while its plugin is registered.
            TaskKind::Key { key, function, .. } => unsafe { key::run_destructor(key, function) },
        }
    }

    /// Takes the task, which has been run, off `list`, and frees it. The owner may go away after that.
    ///
    /// # Safety
    ///
    /// The task is active on `list`.
    pub(crate) unsafe fn retire(self, list: &Mutex<List>) {
        let node = self.0.0;
        // SAFETY: the task owns its node, and its owner is registered while it is on the list.
        let (of_host, allocation) = unsafe { (node.kind().binary().is_host, node.into_allocation()) };
        if !of_host {
            list.lock().active.take(|_, active| active.node == node);
        }
        drop(allocation);
    }
}

/// In which order tasks are run: each part last created first.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// Values with a destructor, and functions.
    First,
    Keys,
    /// Values without a destructor.
    Values,
}

impl Part {
    pub(crate) const ALL: [Part; 3] = [Part::First, Part::Keys, Part::Values];
}

/// Nodes that are linked. All of them are alive: what takes one off gets it.
#[derive(Clone, Copy, Debug)]
struct Chain {
    newest: Option<Node>,
    length: usize,
}

impl Chain {
    const EMPTY: Chain = Chain { newest: None, length: 0 };

    fn nodes(self) -> impl Iterator<Item = Node> {
        // SAFETY: nodes on a chain are alive.
        std::iter::successors(self.newest, |node| unsafe { node.0.as_ref() }.older)
    }

    /// # Safety
    ///
    /// The node is alive, it is on no chain, and it stays alive until it is taken off this one.
    unsafe fn add(&mut self, mut node: Node) {
        // SAFETY: the caller guarantees that the node is alive, and on no chain, so no other code looks at it.
        unsafe { node.0.as_mut() }.older = self.newest.replace(node);
        self.length += 1;
    }

    /// Takes the newest node that `matches` off the chain. Its position counts from the oldest one, and from zero.
    #[inline]
    fn take(&mut self, mut matches: impl FnMut(usize, TaskRef<'_>) -> bool) -> Option<(usize, Node)> {
        let mut newer: Option<Node> = None;
        for (position, node) in (0..self.length).rev().zip(self.nodes()) {
            if !matches(position, TaskRef { node, list: PhantomData }) {
                newer = Some(node);
                continue;
            }
            // SAFETY: both nodes are on this chain, so they are alive. `self` is borrowed uniquely, so no other code looks
            // at them.
            unsafe {
                let older = node.0.as_ref().older;
                match newer {
                    Some(mut newer) => newer.0.as_mut().older = older,
                    None => self.newest = older,
                }
            }
            self.length -= 1;
            return Some((position, node));
        }
        None
    }
}

#[derive(Debug)]
pub(crate) struct List {
    waiting: [Chain; Part::ALL.len()],
    /// What plugins' code is building or running right now. The host's is not listed: nothing asks whether the host is still
    /// needed.
    active: Chain,
    pub(super) slots: Slots,
}

// SAFETY: tasks are made and run by the list's thread only. Other threads compare owners and read addresses.
unsafe impl Send for List {}

impl List {
    pub(crate) const fn new() -> Self {
        List { waiting: [Chain::EMPTY; Part::ALL.len()], active: Chain::EMPTY, slots: Slots::new() }
    }

    /// The tasks that wait to be run.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = TaskRef<'_>> {
        self.waiting.iter().flat_map(|chain| chain.nodes()).map(|node| TaskRef { node, list: PhantomData })
    }

    /// What plugins are building or running.
    pub(crate) fn active(&self) -> impl Iterator<Item = TaskRef<'_>> {
        self.active.nodes().map(|node| TaskRef { node, list: PhantomData })
    }

    /// Adds a task, which waits from now on.
    pub(crate) fn add(&mut self, task: Task) {
        let part = task.kind().part();
        // SAFETY: the task owns its node, so the node is on no chain. It is given to the chain.
        unsafe { self.waiting[part as usize].add(task.0) };
    }

    /// How many tasks of each part wait.
    pub(super) fn lengths(&self) -> [usize; Part::ALL.len()] {
        self.waiting.map(|chain| chain.length)
    }

    /// Takes the newest task of `part` that `matches` off those that wait, among the first `most`, which is as far as the
    /// list went before anything was run. It is active from now on.
    #[inline]
    pub(super) fn take(
        &mut self,
        locals: &SlotLocals,
        part: Part,
        most: &mut usize,
        matches: impl Fn(TaskRef<'_>) -> bool,
    ) -> Option<Active<Task>> {
        let node;
        (*most, node) = self.waiting[part as usize].take(|position, task| position < *most && matches(task))?;
        let task = Task(node);
        if let TaskKind::Value(owner) = task.kind() {
            self.slots.clear(locals, owner.slot());
        }
        self.activate(node, task.kind().binary());
        Some(Active(task))
    }

    /// The code of the room's owner is about to build a value in it.
    pub(super) fn begin(&mut self, room: Room) -> Active<Room> {
        self.activate(room.0, room.owner().binary);
        Active(room)
    }

    /// The code of the room's owner has been run: the list does not name it any more.
    ///
    /// # Safety
    ///
    /// The room is active on this list.
    pub(super) unsafe fn end(&mut self, active: Active<Room>) -> Room {
        let Active(room) = active;
        if !room.owner().binary.is_host {
            self.active.take(|_, active| active.node == room.0);
        }
        room
    }

    fn activate(&mut self, node: Node, binary: &Binary) {
        if !binary.is_host {
            // SAFETY: the node belongs to a task or room that is on no chain. It is taken off again before that is freed:
            // `Active` is ended or retired, not dropped.
            unsafe { self.active.add(node) };
        }
    }
}
