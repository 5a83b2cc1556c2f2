//! [`Store`]: everything that host and plugins share, and the one of this process.

use std::sync::OnceLock;

use plugin_tls_abi::table::{Access, Api, Status};

use crate::locals::{Locals, store_locals};
use crate::records::Binary;
use crate::registry::Registry;
use crate::threads::Threads;
use crate::values::local;
use crate::values::process::ProcessValues;

/// Who uses the items, which items there are, and their values.
///
/// # Locks
///
/// No code of users runs under a lock. Where two are held, they are taken in this order: the list of threads, the list of
/// one thread; the registry, the copies of one binary, who waits for which process-wide item, one process-wide item.
#[derive(Debug)]
pub struct Store {
    pub registry: Registry,
    pub threads: Threads,
    pub(crate) process: ProcessValues,
    pub(crate) locals: &'static Locals,
    pub(crate) table: OnceLock<Api>,
    /// The binary that the store is part of.
    pub(crate) host: OnceLock<&'static Connected>,
    /// Registers the items of the host that are not registered.
    pub(crate) register_rest: OnceLock<unsafe extern "C" fn()>,
}

/// A binary and the store that it uses. Binaries get its address as their handle.
#[derive(Debug)]
pub struct Connected {
    pub binary: &'static Binary,
    pub(crate) store: &'static Store,
}

impl Store {
    pub(crate) const fn new(locals: &'static Locals) -> Self {
        Store {
            registry: Registry::new(locals.slots()),
            threads: Threads::new(locals.threads(), locals.slots()),
            process: ProcessValues::new(),
            locals,
            table: OnceLock::new(),
            host: OnceLock::new(),
            register_rest: OnceLock::new(),
        }
    }

    /// Finds or builds the calling thread's value.
    ///
    /// # Safety
    ///
    /// The access is valid: its handle was given out by this store for a thread-local item, and its `build` builds a value
    /// of that item.
    pub(crate) unsafe fn local(&'static self, access: &mut Access) -> Status {
        // SAFETY: the caller guarantees that the access is valid.
        unsafe { local::find_or_build(&self.registry, &self.threads, access) }
    }

    /// Finds or builds the process's value.
    ///
    /// # Safety
    ///
    /// The access is valid: its handle was given out by this store for a process-wide item, and its `build` builds a value
    /// of that item.
    pub(crate) unsafe fn process(&'static self, access: &mut Access) -> Status {
        // SAFETY: the caller guarantees that the access is valid.
        unsafe { self.process.find_or_build(&self.threads.progress, access) }
    }
}

store_locals!(LOCALS);

static STORE: Store = Store::new(&LOCALS);

/// The store of this binary.
#[must_use]
pub fn store() -> &'static Store {
    &STORE
}
