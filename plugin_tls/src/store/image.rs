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

/// The system's number of the calling thread; one of our own where the system has none.
pub(crate) fn thread_id() -> u64 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: takes nothing and cannot fail.
        unsafe { libc::gettid() }.unsigned_abs().into()
    }
    #[cfg(not(target_os = "linux"))]
    {
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: numbers that only differ.
        NEXT.fetch_add(1, Relaxed)
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
