//! What plugins leave on threads besides values: thread-exit functions, values of keys, and whole threads.
//!
//! The host's side of what `takeover.rs` takes over in plugins.

use crate::abi::Takeover;

/// Elsewhere plugins keep to what libc does.
#[cfg(not(target_os = "linux"))]
pub(crate) const TAKEOVER: Takeover =
    Takeover { at_thread_exit: None, key_create: None, key_delete: None, key_set: None, thread_create: None };

#[cfg(target_os = "linux")]
pub(crate) use linux::TAKEOVER;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{c_int, c_uint, c_void};
    use std::sync::atomic::Ordering::SeqCst;

    use super::Takeover;
    use crate::abi::{AtExit, BinaryHandle, Start};
    use crate::store::entries::{Entry, Task};
    use crate::store::registry::Binary;
    use crate::store::threads;

    pub(crate) const TAKEOVER: Takeover = Takeover {
        at_thread_exit: Some(at_thread_exit),
        key_create: Some(key_create),
        key_delete: Some(key_delete),
        key_set: Some(key_set),
        thread_create: Some(thread_create),
    };

    /// # Safety
    ///
    /// `handle` was given out for a plugin that is registered.
    unsafe fn plugin(handle: BinaryHandle) -> &'static Binary {
        // SAFETY: the caller's word; whoever unregisters a plugin makes sure that its code does not run any more.
        unsafe { &*handle.cast::<Binary>() }
    }

    /// See [`Takeover::at_thread_exit`]. Not zero if the thread's list is gone: then libc must see to it.
    ///
    /// # Safety
    ///
    /// As libc's; `handle` is the caller's.
    unsafe extern "C" fn at_thread_exit(handle: BinaryHandle, function: AtExit, object: *mut c_void) -> c_int {
        // SAFETY: the caller's word.
        let plugin = unsafe { plugin(handle) };
        let added = threads::with_current(|thread| {
            thread.add(Entry::new(Task::Function { plugin, function, object }));
        });
        if added.is_some() { 0 } else { libc::EINVAL }
    }

    /// See [`Takeover::key_create`]. libc gets no destructor: it would call it after the plugin is gone.
    ///
    /// # Safety
    ///
    /// As libc's; `handle` is the caller's.
    unsafe extern "C" fn key_create(handle: BinaryHandle, key: *mut c_uint, function: Option<AtExit>) -> c_int {
        // SAFETY: the caller's word.
        let (status, plugin) = unsafe { (libc::pthread_key_create(key.cast(), None), plugin(handle)) };
        if status == 0 {
            // SAFETY: libc has written it.
            plugin.keys().push((unsafe { *key }, function));
        }
        status
    }

    /// See [`Takeover::key_delete`].
    ///
    /// # Safety
    ///
    /// As libc's; `handle` is the caller's.
    unsafe extern "C" fn key_delete(handle: BinaryHandle, key: c_uint) -> c_int {
        // SAFETY: the caller's word.
        unsafe { plugin(handle) }.keys().retain(|(known, _)| *known != key);
        // SAFETY: as above.
        unsafe { libc::pthread_key_delete(key) }
    }

    /// See [`Takeover::key_set`].
    ///
    /// # Safety
    ///
    /// As libc's; `handle` is the caller's.
    unsafe extern "C" fn key_set(handle: BinaryHandle, key: c_uint, value: *const c_void) -> c_int {
        // SAFETY: the caller's word.
        let plugin = unsafe { plugin(handle) };
        let known = plugin.keys().iter().find(|(known, _)| *known == key).and_then(|(_, function)| *function);
        if let (Some(function), false) = (known, value.is_null()) {
            threads::with_current(|thread| {
                if !thread.has_key(plugin, key) {
                    thread.add(Entry::new(Task::Key { plugin, key, function }));
                }
            });
        }
        // SAFETY: as above.
        unsafe { libc::pthread_setspecific(key, value) }
    }

    /// What a new thread gets to know.
    struct Started {
        plugin: &'static Binary,
        start: Start,
        argument: *mut c_void,
    }

    /// See [`Takeover::thread_create`]. The thread runs code of the host first and last, so that it is known to be the
    /// plugin's from its first instruction until its list has ended.
    ///
    /// # Safety
    ///
    /// As libc's; `handle` is the caller's.
    unsafe extern "C" fn thread_create(
        handle: BinaryHandle,
        thread: *mut c_void,
        attributes: *const c_void,
        start: Start,
        argument: *mut c_void,
    ) -> c_int {
        extern "C" fn run(started: *mut c_void) -> *mut c_void {
            // SAFETY: from `Box::into_raw` below, passed to this one thread.
            let Started { plugin, start, argument } = *unsafe { Box::from_raw(started.cast::<Started>()) };
            threads::started_by(plugin);
            plugin.starting.fetch_sub(1, SeqCst);
            // SAFETY: what the plugin wanted libc to call, with its argument.
            unsafe { start(argument) }
        }

        // SAFETY: the caller's word.
        let plugin = unsafe { plugin(handle) };
        let started = Box::into_raw(Box::new(Started { plugin, start, argument }));
        // The thread has no record yet, and the plugin must not go before it has.
        plugin.starting.fetch_add(1, SeqCst);
        plugin.started.fetch_add(1, SeqCst);
        // SAFETY: the caller's word for thread and attributes; `run` has the type that libc wants.
        let status = unsafe { libc::pthread_create(thread.cast(), attributes.cast(), run, started.cast()) };
        if status != 0 {
            plugin.starting.fetch_sub(1, SeqCst);
            // SAFETY: the thread that would have taken it was not started.
            drop(unsafe { Box::from_raw(started) });
        }
        status
    }
}
