//! The plugin's own thread-exit functions, keys and threads, taken over so that it can be unloaded.
//!
//! A plugin that uses `std::thread_local!` with destructors, `println!` or `thread::current()` leaves functions with
//! libc that run when a thread ends. glibc then silently refuses to unmap the plugin, or jumps to code that is gone. So
//! [`export_plugin!`](crate::export_plugin) defines the functions of libc that std calls for it *inside* of the plugin:
//! the static linker binds the plugin's own std to them, and since they are hidden, nothing else in the process sees them.
//! (Exported ones would not bind, because libc's come first.)
//!
//! A plugin that no loader has connected passes everything on to libc. Only glibc is known to have all of these functions:
//! where one is missing, std has another way, which it would not take if it found ours.
//!
//! | function | in a loaded plugin |
//! |---|---|
//! | `__cxa_thread_atexit_impl` | the function goes into the host's list for the thread, with the plugin as its owner |
//! | `pthread_key_create`, `pthread_key_delete` | libc's, without destructor; the host knows key and destructor |
//! | `pthread_setspecific` | libc's; the host's list for the thread has a task that calls the key's destructor |
//! | `pthread_create` | libc's; the thread counts as the plugin's until it has ended |

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::mem;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use plugin_tls_abi::table::{AtExit, Start};
use plugin_tls_core::__private::connected_by_loader;

/// libc's function of a name, found once. The hidden functions are in no table, so that the search does not find them.
struct Libc {
    name: &'static CStr,
    function: AtomicPtr<c_void>,
}

impl Libc {
    const fn new(name: &'static CStr) -> Self {
        Libc { name, function: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Null if libc has no such function.
    fn get(&self) -> *mut c_void {
        // Relaxed: the pointer is to a function, which is there before any code of the plugin runs.
        let mut function = self.function.load(Relaxed);
        if function.is_null() {
            // SAFETY: the name is a C string.
            function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, self.name.as_ptr()) };
            self.function.store(function, Relaxed);
        }
        function
    }
}

/// Calls libc's function of that name and type.
macro_rules! libc_call {
    ($name:literal as $type:ty, $($argument:expr),*) => {{
        static FUNCTION: Libc = Libc::new($name);
        let function = FUNCTION.get();
        if function.is_null() {
            libc::ENOSYS
        } else {
            // SAFETY: libc's function of that name has this type.
            let function = unsafe { mem::transmute::<*mut c_void, $type>(function) };
            // SAFETY: the arguments are those of the caller of the function that takes libc's place, who keeps libc's
            // contract.
            unsafe { function($($argument),*) }
        }
    }};
}

/// # Safety
///
/// As libc's `__cxa_thread_atexit_impl`.
pub unsafe extern "C" fn at_thread_exit(function: AtExit, object: *mut c_void, library: *mut c_void) -> c_int {
    if let Some((store, plugin)) = connected_by_loader() {
        if let Some(at_thread_exit) = store.takeover.at_thread_exit {
            // SAFETY: the handle is this plugin's, and the caller keeps libc's contract. A thread whose list has ended is left
            // to libc.
            if unsafe { at_thread_exit(plugin, function, object) } == 0 {
                return 0;
            }
        }
    }
    libc_call!(
        c"__cxa_thread_atexit_impl" as unsafe extern "C" fn(AtExit, *mut c_void, *mut c_void) -> c_int,
        function,
        object,
        library
    )
}

/// # Safety
///
/// As libc's `pthread_key_create`.
pub unsafe extern "C" fn key_create(key: *mut c_uint, function: Option<AtExit>) -> c_int {
    if let Some((store, plugin)) = connected_by_loader() {
        if let Some(key_create) = store.takeover.key_create {
            // SAFETY: the handle is this plugin's, and the caller keeps libc's contract.
            return unsafe { key_create(plugin, key, function) };
        }
    }
    libc_call!(c"pthread_key_create" as unsafe extern "C" fn(*mut c_uint, Option<AtExit>) -> c_int, key, function)
}

/// # Safety
///
/// As libc's `pthread_key_delete`.
pub unsafe extern "C" fn key_delete(key: c_uint) -> c_int {
    if let Some((store, plugin)) = connected_by_loader() {
        if let Some(key_delete) = store.takeover.key_delete {
            // SAFETY: the handle is this plugin's, and the caller keeps libc's contract.
            return unsafe { key_delete(plugin, key) };
        }
    }
    libc_call!(c"pthread_key_delete" as unsafe extern "C" fn(c_uint) -> c_int, key)
}

/// # Safety
///
/// As libc's `pthread_setspecific`.
pub unsafe extern "C" fn key_set(key: c_uint, value: *const c_void) -> c_int {
    if let Some((store, plugin)) = connected_by_loader() {
        if let Some(key_set) = store.takeover.key_set {
            // SAFETY: the handle is this plugin's, and the caller keeps libc's contract.
            return unsafe { key_set(plugin, key, value) };
        }
    }
    libc_call!(c"pthread_setspecific" as unsafe extern "C" fn(c_uint, *const c_void) -> c_int, key, value)
}

/// # Safety
///
/// As libc's `pthread_create`.
pub unsafe extern "C" fn thread_create(
    thread: *mut c_void,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    if let Some((store, plugin)) = connected_by_loader() {
        if let Some(thread_create) = store.takeover.thread_create {
            // SAFETY: the handle is this plugin's, and the caller keeps libc's contract.
            return unsafe { thread_create(plugin, thread, attributes, start, argument) };
        }
    }
    libc_call!(
        c"pthread_create" as unsafe extern "C" fn(*mut c_void, *const c_void, Start, *mut c_void) -> c_int,
        thread,
        attributes,
        start,
        argument
    )
}
