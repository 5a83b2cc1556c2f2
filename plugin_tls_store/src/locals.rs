//! The thread-locals of one store.
//!
//! Thread-locals are statics, so a store cannot have its own as fields. [`store_locals!`] declares a set of them, and the
//! store gets functions that find those of the calling thread.

use crate::slots::SlotLocals;
use crate::threads::current::ThreadLocals;

/// A store's way to its thread-locals.
#[derive(Debug)]
pub(crate) struct Locals {
    slots: SlotLocals,
    threads: ThreadLocals,
}

impl Locals {
    pub(crate) const fn new(slots: SlotLocals, threads: ThreadLocals) -> Self {
        Locals { slots, threads }
    }

    pub(crate) const fn slots(&'static self) -> &'static SlotLocals {
        &self.slots
    }

    pub(crate) const fn threads(&'static self) -> &'static ThreadLocals {
        &self.threads
    }
}

/// Declares the thread-locals of one store, and a static of this name, [`Locals`] that find them.
macro_rules! store_locals {
    ($name:ident) => {
        static $name: $crate::locals::Locals = {
            use std::cell::Cell;
            use std::ffi::{c_uint, c_void};
            use std::mem::ManuallyDrop;
            use std::ptr::{self, NonNull};

            use $crate::slots::{DIRECT, DirectSlots, SlotLocals};
            use $crate::threads::current::{CurrentThread, ThreadLocals};

            // Constant and without a destructor, so that they are there from a thread's first instruction to its last.
    std::thread_local!(static ROW: Cell<NonNull<plugin_tls_abi::row::Row>> =
                const { Cell::new($crate::slots::empty_row()) });
    std::thread_local!(static SLOTS: DirectSlots = const { [const { Cell::new(ptr::null()) }; DIRECT] });
    std::thread_local!(static CURRENT: ManuallyDrop<CurrentThread> =
                const { ManuallyDrop::new(CurrentThread::new()) });
            // Its destructor is the end of the thread's list.
    std::thread_local!(static GUARD: Guard = const { Guard });

            struct Guard;

            impl Drop for Guard {
                fn drop(&mut self) {
                    CURRENT.with(|current| current.end());
                }
            }

            unsafe extern "C" fn find_row(_key: c_uint) -> *mut c_void {
                ROW.with(Cell::get).as_ptr().cast()
            }

            // SAFETY: the thread-locals are constant and without a destructor, they start as the functions ask, and no
            // other code names them.
            let slots = unsafe { SlotLocals::new(|| ROW.with(ptr::from_ref), || SLOTS.with(ptr::from_ref), find_row) };
            // SAFETY: as for the slots. The destructor of `GUARD` ends the thread.
            let threads = unsafe {
                ThreadLocals::new(
                    || CURRENT.with(|current| ptr::from_ref(&**current)),
                    || GUARD.try_with(|_| ()).is_ok(),
                )
            };
            $crate::locals::Locals::new(slots, threads)
        };
    };
}

pub(crate) use store_locals;
