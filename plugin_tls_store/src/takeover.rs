//! The host's side of the takeover: what plugins leave on threads besides values.
//!
//! Thread-exit functions, values of keys, and whole threads. The plugin's side is in the crate `plugin_tls`.

#[cfg(target_os = "linux")]
pub(crate) use linux::TAKEOVER;

/// On other systems plugins keep to what the C library does.
#[cfg(not(target_os = "linux"))]
pub(crate) const TAKEOVER: plugin_tls_abi::table::Takeover = plugin_tls_abi::table::Takeover {
    at_thread_exit: None,
    key_create: None,
    key_delete: None,
    key_set: None,
    thread_create: None,
};

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{c_int, c_uint, c_void};
    use std::sync::atomic::Ordering::{Relaxed, Release};

    use plugin_tls_abi::table::{AtExit, BinaryHandle, Start, Takeover};

    use crate::store::Connected;
    use crate::threads::list::Task;

    pub(crate) const TAKEOVER: Takeover = Takeover {
        at_thread_exit: Some(at_thread_exit),
        key_create: Some(key_create),
        key_delete: Some(key_delete),
        key_set: Some(key_set),
        thread_create: Some(thread_create),
    };

    /// The plugin that a handle names.
    ///
    /// # Safety
    ///
    /// `handle` was given out for a plugin that is registered. Code of the plugin has it, and a plugin is not taken out
    /// while its code runs.
    unsafe fn connected(handle: BinaryHandle) -> &'static Connected {
        // SAFETY: handles are addresses of these, and the caller guarantees that the plugin is registered.
        unsafe { &*handle.cast::<Connected>() }
    }

    /// See [`Takeover::at_thread_exit`].
    ///
    /// # Safety
    ///
    /// As the C library's function. `handle` is that of the plugin whose code calls this.
    unsafe extern "C" fn at_thread_exit(handle: BinaryHandle, function: AtExit, object: *mut c_void) -> c_int {
        // SAFETY: the handle is that of the plugin whose code calls this.
        let Connected { binary, store } = unsafe { connected(handle) };
        let added = store.threads.with_current(|thread| {
            // SAFETY: the caller wants the function to be called with the object at the end of this thread.
            thread.add(unsafe { Task::function(binary, function, object) });
        });
        if added.is_some() { 0 } else { libc::EINVAL }
    }

    /// See [`Takeover::key_create`]. The C library gets no destructor: it would call it after the plugin is gone.
    ///
    /// # Safety
    ///
    /// As the C library's function. `handle` is that of the plugin whose code calls this.
    unsafe extern "C" fn key_create(handle: BinaryHandle, key: *mut c_uint, function: Option<AtExit>) -> c_int {
        // SAFETY: the handle is that of the plugin whose code calls this.
        let Connected { binary, .. } = unsafe { connected(handle) };
        // SAFETY: the caller guarantees that `key` is writable.
        let status = unsafe { libc::pthread_key_create(key.cast(), None) };
        if status == 0 {
            // SAFETY: the C library has written it.
            binary.keys.lock().push((unsafe { *key }, function));
        }
        status
    }

    /// See [`Takeover::key_delete`].
    ///
    /// # Safety
    ///
    /// As the C library's function. `handle` is that of the plugin whose code calls this.
    unsafe extern "C" fn key_delete(handle: BinaryHandle, key: c_uint) -> c_int {
        // SAFETY: the handle is that of the plugin whose code calls this.
        let Connected { binary, .. } = unsafe { connected(handle) };
        binary.keys.lock().retain(|(known, _)| *known != key);
        // SAFETY: the caller guarantees what the C library asks.
        unsafe { libc::pthread_key_delete(key) }
    }

    /// See [`Takeover::key_set`].
    ///
    /// # Safety
    ///
    /// As the C library's function. `handle` is that of the plugin whose code calls this.
    unsafe extern "C" fn key_set(handle: BinaryHandle, key: c_uint, value: *const c_void) -> c_int {
        // SAFETY: the handle is that of the plugin whose code calls this.
        let Connected { binary, store } = unsafe { connected(handle) };
        let destructor = binary.keys.lock().iter().find(|(known, _)| *known == key).and_then(|(_, function)| *function);
        if let (Some(function), false) = (destructor, value.is_null()) {
            store.threads.with_current(|thread| {
                if !thread.has_key(binary, key) {
                    // SAFETY: the plugin has made the key with this destructor. The key is deleted when the plugin is taken
                    // out, or by the plugin itself.
                    thread.add(unsafe { Task::key(binary, key, function) });
                }
            });
        }
        // SAFETY: the caller guarantees what the C library asks.
        unsafe { libc::pthread_setspecific(key, value) }
    }

    /// What a new thread is told.
    struct Started {
        plugin: &'static Connected,
        start: Start,
        argument: *mut c_void,
    }

    /// See [`Takeover::thread_create`]. The thread runs code of the host first and last, so that it is known to be the
    /// plugin's from its first instruction until its list has ended.
    ///
    /// # Safety
    ///
    /// As the C library's function. `handle` is that of the plugin whose code calls this.
    unsafe extern "C" fn thread_create(
        handle: BinaryHandle,
        thread: *mut c_void,
        attributes: *const c_void,
        start: Start,
        argument: *mut c_void,
    ) -> c_int {
        extern "C" fn run(started: *mut c_void) -> *mut c_void {
            // SAFETY: `thread_create` passes a box of this type, and each to one thread.
            let Started { plugin, start, argument } = *unsafe { Box::from_raw(started.cast::<Started>()) };
            plugin.store.threads.set_started_by(plugin.binary);
            // Release: who reads zero finds this thread in the list.
            plugin.binary.starting.fetch_sub(1, Release);
            // SAFETY: it is the function that the plugin passed to be called on a new thread, with its argument.
            unsafe { start(argument) }
        }

        // SAFETY: the handle is that of the plugin whose code calls this.
        let plugin = unsafe { connected(handle) };
        let started = Box::into_raw(Box::new(Started { plugin, start, argument }));
        // The thread is not listed yet, and the plugin must not go before it is. Relaxed, both: see `Binary`.
        plugin.binary.starting.fetch_add(1, Relaxed);
        plugin.binary.started.fetch_add(1, Relaxed);
        // SAFETY: the caller guarantees that `thread` and `attributes` are what the C library asks, and `run` has the type
        // that it calls.
        let status = unsafe { libc::pthread_create(thread.cast(), attributes.cast(), run, started.cast()) };
        if status != 0 {
            plugin.binary.starting.fetch_sub(1, Relaxed);
            // SAFETY: no thread was started that would take it.
            drop(unsafe { Box::from_raw(started) });
        }
        status
    }
}
