//! Binaries, and the record of each item with its copies: data only.
//!
//! A record is what all copies of an item share. It is made with the first copy, and stays. A copy belongs to a binary and
//! goes with it.
//!
//! References to binaries and copies are `'static`, although a plugin's are freed when it is unloaded.
//! `Registry::unregister` is unsafe for that reason: its caller guarantees that
//! nothing refers to them any more.
//!
//! # Orderings
//!
//! - `Binary::draining`: written before the lock of a thread's list, or of a process-wide item, is taken to look for values
//!   of the plugin, and read under that lock before a value is built. Either the look finds the value, or the builder took
//!   the lock later and so sees the mark. The lock orders them, and Relaxed is enough.
//! - `Binary::starting` and `started`: see [`Binary`].
//! - `ItemCopy::word`: Release, so that who reads a pointer to a value sees the value. A thread-local's word is a number.
//! - `Link`: written and read under the registry's lock, so Relaxed is enough.

use std::borrow::Borrow;
use std::ffi::{c_uint, c_void};
use std::hash::{Hash, Hasher};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};

use plugin_tls_abi::identity::{Fingerprint, Identity};
use plugin_tls_abi::row::Word;
use plugin_tls_abi::sync::{Condvar, Mutex};
use plugin_tls_abi::sys::image;
use plugin_tls_abi::table::{AtExit, DescribeBuild, DescribeShape, DropValue, Initialize, LayoutScheme};
use plugin_tls_abi::text::{Sink, Str};

use crate::arena::WithTexts;
use crate::memory::Allocation;
use crate::proof::SharingProof;

/// A binary that uses the store.
///
/// A plugin counts the threads that it starts. `started` grows before a thread is created; `starting` grows then, too, and
/// shrinks after the new thread is listed (Release). Who reads zero from `starting` (Acquire) finds all earlier threads in
/// the list. Who finds `started` unchanged after it has walked the list knows that none was started meanwhile by a thread
/// that had left the list: such a thread leaves under the list's lock.
#[derive(Debug)]
pub struct Binary {
    /// The file's name, for people.
    pub name: String,
    /// `rustc -vV` in one line; empty if it is not known.
    pub compiler: String,
    /// The binary that the store is part of.
    pub is_host: bool,
    /// What the host accepts without proof.
    pub(crate) trust: Trust,
    /// Any address inside of the binary.
    address: usize,
    /// The path of its file, as far as the system tells.
    path: OnceLock<String>,
    /// Builds values for other binaries.
    pub(crate) initialize: Option<Initialize>,
    /// Says in words what the builds of the binary's crates are.
    describe_build: Option<DescribeBuild>,
    /// It is being unloaded: its code may create nothing new.
    pub(crate) draining: AtomicBool,
    /// Threads that it starts and that are not listed yet.
    pub(crate) starting: AtomicUsize,
    /// Threads that it has ever started.
    pub(crate) started: AtomicUsize,
    /// Keys of the C library that its own std has made, with their destructors.
    pub(crate) keys: Mutex<Vec<(c_uint, Option<AtExit>)>>,
    /// Its copies.
    pub(crate) copies: Mutex<WithTexts<ItemCopy>>,
}

/// What a new [`Binary`] is made of.
#[derive(Debug, Default)]
pub struct NewBinary {
    pub name: String,
    pub compiler: String,
    pub is_host: bool,
    pub trust: Trust,
    pub address: usize,
    pub initialize: Option<Initialize>,
    pub describe_build: Option<DescribeBuild>,
}

/// What the host accepts of a plugin although nothing proves it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Trust {
    /// Nothing.
    #[default]
    Nothing,
    /// Types that have the same name, if the same compiler built both sides.
    SameNames,
    /// Any types that are not known to differ.
    Types,
}

impl Binary {
    pub(crate) fn new(new: NewBinary) -> Self {
        let NewBinary { name, compiler, is_host, trust, address, initialize, describe_build } = new;
        Binary {
            name,
            compiler,
            is_host,
            trust,
            address,
            path: OnceLock::new(),
            initialize,
            describe_build,
            draining: AtomicBool::new(false),
            starting: AtomicUsize::new(0),
            started: AtomicUsize::new(0),
            keys: Mutex::default(),
            copies: Mutex::new(WithTexts::new()),
        }
    }

    /// The path of the binary's file; its name where the system does not tell the path. The first call asks the system.
    pub(crate) fn path(&self) -> &str {
        self.path.get_or_init(|| {
            let file = image::file_of(ptr::without_provenance(self.address));
            let path = file.map(|file| file.canonicalize().unwrap_or(file));
            path.map_or_else(|| self.name.clone(), |path| path.to_string_lossy().into_owned())
        })
    }

    /// The compiler's name and version; empty if it is not known.
    pub fn compiler_name(&self) -> &str {
        self.compiler.split(';').next().unwrap_or_default()
    }

    /// What the fingerprint of a crate's build is the hash of; empty if the binary does not know.
    pub fn build(&self, fingerprint: Fingerprint) -> String {
        let mut text = String::new();
        if let Some(describe) = self.describe_build {
            // SAFETY: the function is the binary's, which is mapped while it is registered. The texts are alive for the call,
            // and `text` is not borrowed while the sink is used.
            unsafe { describe(Str::new(&fingerprint.to_string()), &Sink::new(&mut text)) };
        }
        text
    }

    /// Whether the plugin is being unloaded.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }
}

/// What is known of a copy and is compared with other copies. The binary keeps the texts.
#[derive(Debug)]
#[repr(C)]
pub struct Facts {
    pub size: usize,
    pub(crate) align: usize,
    /// The size of the `Option` of the type.
    pub(crate) option_size: usize,
    pub(crate) kind: u32,
    pub(crate) needs_drop: bool,
    /// See [`Declaration::std_is_ambiguous`](plugin_tls_abi::identity::Declaration::std_is_ambiguous).
    pub(crate) std_is_ambiguous: bool,
    /// See [`Declaration::number`](plugin_tls_abi::identity::Declaration::number).
    pub(crate) number: u32,
    /// The build of the crate that declares the item.
    pub build: Option<Fingerprint>,
    pub(crate) type_id: [u8; 16],
    pub type_name: &'static str,
    /// The type's layout in the terms of `scheme`, in the copy's binary; or null.
    pub(crate) layout: *const c_void,
    /// In the copy's binary; null without a layout.
    pub(crate) scheme: *const LayoutScheme,
    /// Describes the type's shape. In the copy's binary.
    pub(crate) shape: Option<DescribeShape>,
    /// `file:line:column`.
    pub site: &'static str,
}

/// An item, whichever binaries have it. What is needed to build a value comes first: threads that build many values wait
/// for memory most of the time.
#[derive(Debug)]
#[repr(C)]
pub struct Record {
    /// The host's own copy, whose initializer and drop code come first.
    pub(crate) host_copy: OnceLock<&'static ItemCopy>,
    /// Which slot a thread-local item has on each thread, once any thread has needed it.
    pub(crate) slot: OnceLock<usize>,
    /// The value of a process-wide item.
    pub(crate) process: ProcessValue,
    /// [`ItemDescriptor::kind`](plugin_tls_abi::table::ItemDescriptor::kind).
    pub kind: u32,
    pub identity: Identity<'static>,
    /// The copy that was registered first.
    pub(crate) first: Link,
}

/// One binary's copy of an item. What is needed to build or drop a value comes first, as in [`Record`].
#[derive(Debug)]
#[repr(C)]
pub struct ItemCopy {
    pub record: &'static Record,
    pub binary: &'static Binary,
    pub(crate) drop: Option<DropValue>,
    /// See [`ItemDescriptor::item`](plugin_tls_abi::table::ItemDescriptor::item).
    pub(crate) item: *const c_void,
    pub facts: Facts,
    /// What accepted it; `None` if there was no other copy.
    pub proof: Option<SharingProof>,
    /// See [`ItemDescriptor::word`](plugin_tls_abi::table::ItemDescriptor::word).
    pub(crate) word: *const AtomicPtr<()>,
    /// The copy of the same item that was registered next.
    pub(crate) next: Link,
}

// SAFETY: the pointers are to statics of the copy's binary, which may be read from any thread: `word` is an atomic, `item`
// is only passed back to the binary, and layouts never change. The binary stays mapped for as long as it is registered.
unsafe impl Send for ItemCopy {}
// SAFETY: a shared copy gives out nothing but what may be read from any thread: see `Send`.
unsafe impl Sync for ItemCopy {}
// SAFETY: the pointers are to a layout and its scheme, which never change.
unsafe impl Send for Facts {}
// SAFETY: as for `Send`, the pointers are to what never changes.
unsafe impl Sync for Facts {}

impl Facts {
    /// The type's shape; empty if it has none.
    pub(crate) fn shape(&self) -> String {
        let mut text = String::new();
        if let Some(describe) = self.shape {
            // SAFETY: the function is that of the copy's binary, which is mapped while the copy is registered, and `text` is
            // not borrowed while the sink is used.
            unsafe { describe(&Sink::new(&mut text)) };
        }
        text
    }
}

impl Record {
    pub(crate) fn new(identity: Identity<'static>, kind: u32) -> Self {
        Record {
            identity,
            kind,
            slot: OnceLock::new(),
            host_copy: OnceLock::new(),
            process: ProcessValue::default(),
            first: Link::default(),
        }
    }

    /// Whether the host's binary has the item, so that values are the host's.
    pub fn is_of_host(&self) -> bool {
        self.host_copy.get().is_some()
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Record {}

impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
    }
}

impl<'a> Borrow<Identity<'a>> for &'static Record {
    fn borrow(&self) -> &Identity<'a> {
        &self.identity
    }
}

impl ItemCopy {
    /// Whether the copy was accepted on the host's word.
    pub fn is_on_trust(&self) -> bool {
        matches!(self.proof, Some(SharingProof::SameName | SharingProof::Trusted))
    }

    /// The copy whose binary's code builds values and drops them: the host's, where it has one.
    pub(crate) fn owner(&'static self) -> &'static ItemCopy {
        self.record.host_copy.get().copied().unwrap_or(self)
    }

    /// The slot of a thread-local item that a value has been built for.
    pub(crate) fn slot(&self) -> usize {
        *self.record.slot.get().expect("a slot is given before a value is built")
    }

    /// Writes the copy's word, so that its binary looks there from now on.
    pub(crate) fn publish(&self, word: *mut ()) {
        // SAFETY: the word is an atomic of the copy's binary, which is mapped while the copy is registered.
        unsafe { (*self.word).store(word, Release) }
    }

    /// Tells the copy of a thread-local item where its slot is.
    pub(crate) fn publish_slot(&self, word: Word) {
        self.publish(word.as_ptr());
    }
}

/// A copy, or none.
#[derive(Debug, Default)]
pub(crate) struct Link(AtomicPtr<ItemCopy>);

impl Link {
    pub(crate) fn get(&self) -> Option<&'static ItemCopy> {
        // SAFETY: `set` stores addresses of `'static` references, and null.
        unsafe { self.0.load(Relaxed).as_ref() }
    }

    pub(crate) fn set(&self, copy: Option<&'static ItemCopy>) {
        self.0.store(copy.map_or(ptr::null_mut(), |copy| ptr::from_ref(copy).cast_mut()), Relaxed);
    }
}

/// The value of a process-wide item.
#[derive(Debug, Default)]
pub(crate) struct ProcessValue {
    pub(crate) inner: Mutex<ProcessInner>,
    /// Notified when the state leaves `Running`.
    pub(crate) done: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct ProcessInner {
    pub(crate) state: ProcessState,
    /// A thread waits for the state to leave `Running`. Without one, a call of the system is spared.
    pub(crate) waited_for: bool,
}

/// What there is of a process-wide value.
#[derive(Debug, Default)]
pub(crate) enum ProcessState {
    #[default]
    Empty,
    /// The initializer of `owner`'s binary runs on this thread.
    Running { thread: ThreadToken, owner: &'static ItemCopy },
    Live {
        owner: &'static ItemCopy,
        value: Allocation,
        /// Later values have larger numbers.
        sequence: u64,
    },
    /// The initializer of this copy's binary has panicked.
    Poisoned { owner: &'static ItemCopy },
}

/// A thread, for as long as it runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ThreadToken(usize);

impl ThreadToken {
    pub(crate) fn current() -> Self {
        // Constant and without a destructor, so that it is there until the thread's last instruction.
        std::thread_local!(static TOKEN: u8 = const { 0 });
        ThreadToken(TOKEN.with(|token| ptr::from_ref(token).addr()))
    }
}
