//! What the system knows of the loaded binaries.

use std::ffi::{c_uint, c_void};
use std::path::PathBuf;

use crate::abi::AtExit;

/// The file of the binary that `address` lies in, where the system tells.
#[cfg(unix)]
pub(crate) fn file_of(address: *const c_void) -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;

    // SAFETY: a `Dl_info` is numbers and pointers, for which zero is valid.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: `dladdr` takes any address, and `info` is writable.
    let found = unsafe { libc::dladdr(address, &raw mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the loader's own name of a binary that is mapped now; it is copied at once.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// The file of the binary that `address` lies in, where the system tells.
#[cfg(not(unix))]
pub(crate) fn file_of(_address: *const c_void) -> Option<PathBuf> {
    None
}

/// The addresses of a loaded binary.
pub(crate) type Span = std::ops::Range<usize>;

/// Whether `address` lies in the program itself, and not in a library.
#[cfg(target_os = "linux")]
pub(crate) fn in_executable(address: *const c_void) -> bool {
    // The program comes first.
    images(1).first().is_some_and(|image| image.iter().any(|segment| segment.contains(&address.addr())))
}

/// From the first to the last byte of the binary that `address` lies in; `None` if nothing is mapped there, or if the
/// system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn span_of(address: *const c_void) -> Option<Span> {
    let image = images(usize::MAX).into_iter().find(|image| image.iter().any(|span| span.contains(&address.addr())))?;
    Some(image.iter().map(|span| span.start).min()?..image.iter().map(|span| span.end).max()?)
}

/// From the first to the last byte of the binary that `address` lies in; `None` if nothing is mapped there, or if the
/// system does not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn span_of(_address: *const c_void) -> Option<Span> {
    None
}

/// The segments of the first binaries that are loaded, `most` at most.
#[cfg(target_os = "linux")]
fn images(most: usize) -> Vec<Vec<Span>> {
    struct Search {
        most: usize,
        found: Vec<Vec<Span>>,
    }

    unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _size: usize, search: *mut c_void) -> libc::c_int {
        // SAFETY: `info` is the loader's, valid for this call; `search` is what is passed below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        if !info.dlpi_phdr.is_null() {
            // SAFETY: the loader's headers of a mapped binary.
            let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
            let segments = headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
            let spans = segments.map(|header| {
                let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
                start..start.wrapping_add(header.p_memsz as usize)
            });
            search.found.push(spans.collect());
        }
        libc::c_int::from(search.found.len() >= search.most)
    }

    let mut search = Search { most, found: Vec::new() };
    // SAFETY: `visit` is of the type that the function calls, and gets `search`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}

/// A thread, by what costs nothing to find out about oneself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadHandle(#[cfg(target_os = "linux")] libc::pthread_t, #[cfg(not(target_os = "linux"))] u64);

#[cfg(target_os = "linux")]
impl ThreadHandle {
    /// Of no thread.
    pub(crate) const NONE: Self = ThreadHandle(0);

    pub(crate) fn current() -> Self {
        // SAFETY: takes nothing and cannot fail.
        ThreadHandle(unsafe { libc::pthread_self() })
    }

    /// The system's number of the thread.
    ///
    /// # Safety
    ///
    /// The thread runs.
    pub(crate) unsafe fn id(self) -> u64 {
        unsafe extern "C" {
            // Not in every version of the crate `libc`.
            fn pthread_getcpuclockid(thread: libc::pthread_t, clock: *mut libc::clockid_t) -> libc::c_int;
        }
        let mut clock = 0;
        // SAFETY: the thread runs: the caller's word; `clock` is writable.
        let status = unsafe { pthread_getcpuclockid(self.0, &raw mut clock) };
        // The number of a thread's clock is how libc asks the system for it: all bits but the lowest three are the
        // complement of the thread's number.
        if status == 0 { u64::from((!(clock >> 3)).unsigned_abs()) } else { 0 }
    }
}

#[cfg(not(target_os = "linux"))]
impl ThreadHandle {
    /// Of no thread.
    pub(crate) const NONE: Self = ThreadHandle(0);

    /// Every call gives another one.
    pub(crate) fn current() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: numbers that only differ.
        ThreadHandle(NEXT.fetch_add(1, Relaxed))
    }

    /// A number of our own: the system has none.
    ///
    /// # Safety
    ///
    /// Nothing to keep.
    pub(crate) unsafe fn id(self) -> u64 {
        self.0
    }
}

/// The name of a thread that runs, where the system knows it.
#[cfg(target_os = "linux")]
pub(crate) fn thread_name(id: u64) -> Option<String> {
    if u64::from(std::process::id()) == id {
        return Some("main".to_owned());
    }
    let name = std::fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// The name of a thread that runs, where the system knows it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_name(_id: u64) -> Option<String> {
    None
}

/// Calls the destructor of a key of libc as libc would at the end of the thread: while the thread has a value for it, but
/// not for ever.
pub(crate) fn run_key(key: c_uint, function: AtExit) {
    #[cfg(unix)]
    for _ in 0..4 {
        // SAFETY: a key that exists: it is deleted when its plugin has no entries any more.
        let value = unsafe { libc::pthread_getspecific(key as libc::pthread_key_t) };
        if value.is_null() {
            break;
        }
        // SAFETY: as above; null is a value like any other. Its destructor gets what the thread had for it.
        unsafe {
            libc::pthread_setspecific(key as libc::pthread_key_t, std::ptr::null());
            function(value);
        }
    }
    #[cfg(not(unix))]
    let _ = (key, function);
}

/// Copies memory that other threads may be writing, into `words`: false if the system does not do that.
#[cfg(target_os = "linux")]
pub(crate) fn copy_words(from: *const u8, words: &mut [usize]) -> bool {
    let bytes = size_of_val(words);
    let local = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: bytes };
    let remote = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: bytes };
    // SAFETY: the system writes to `words`, which is large enough, and reads from wherever: it is the system that reads,
    // so that there is no data race and no fault.
    let copied = unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(copied) == Ok(bytes)
}

/// Copies memory that other threads may be writing, into `words`: false if the system does not do that.
#[cfg(not(target_os = "linux"))]
pub(crate) fn copy_words(_from: *const u8, _words: &mut [usize]) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::ThreadHandle;

    #[test]
    fn a_thread_has_the_systems_number() {
        std::thread::scope(|scope| {
            let (send, receive) = std::sync::mpsc::channel();
            let (leave, stay) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                // SAFETY: takes nothing and cannot fail.
                send.send((ThreadHandle::current(), unsafe { libc::gettid() })).expect("the test waits for it");
                let _ended = stay.recv();
            });
            let (handle, number) = receive.recv().expect("the thread sends it first");
            // SAFETY: the thread waits for `leave` to be dropped.
            assert_eq!(unsafe { handle.id() }, u64::try_from(number).expect("a number of a thread"));
            drop(leave);
        });
    }
}
