//! Loaded images: the executable and libraries.

use std::ffi::c_void;
use std::path::PathBuf;

/// The addresses of a loaded image, from its first to its last byte.
pub type Span = std::ops::Range<usize>;

/// The file of the image that `address` lies in, where the system tells.
#[cfg(unix)]
#[allow(clippy::not_unsafe_ptr_arg_deref, reason = "the address is looked up, not read")]
pub fn file_of(address: *const c_void) -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;

    // SAFETY: a `Dl_info` is numbers and pointers, for which zero is valid.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: `dladdr` takes any address, and `info` is writable.
    let found = unsafe { libc::dladdr(address, &raw mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the loader's own name of an image is a C string that lives as long as the image is mapped. The caller's code
    // or data is in the image, so it is mapped now, and the name is copied at once.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// The file of the image that `address` lies in, where the system tells.
#[cfg(not(unix))]
pub fn file_of(_address: *const c_void) -> Option<PathBuf> {
    None
}

/// Has the library that `address` lies in stay mapped until the process ends. False if that is not possible.
#[cfg(target_os = "linux")]
#[allow(clippy::not_unsafe_ptr_arg_deref, reason = "the address is looked up, not read")]
pub fn keep(address: *const c_void) -> bool {
    // SAFETY: a `Dl_info` is numbers and pointers, for which zero is valid.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: `dladdr` takes any address, and `info` is writable.
    let found = unsafe { libc::dladdr(address, &raw mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return false;
    }
    let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
    // SAFETY: the loader's own name of an image is a C string. The library is mapped, so that none of its code runs now. The
    // handle is never closed.
    let handle = unsafe { libc::dlopen(info.dli_fname, flags) };
    !handle.is_null()
}

/// Has the library that `address` lies in stay mapped until the process ends. False if that is not possible.
#[cfg(not(target_os = "linux"))]
pub fn keep(_address: *const c_void) -> bool {
    false
}

/// Whether `address` lies in the executable, and not in a library.
#[cfg(target_os = "linux")]
pub fn in_executable(address: *const c_void) -> bool {
    find(|image| image.is_executable().then(|| image.contains(address))).unwrap_or(false)
}

/// Whether `address` lies in the executable, and not in a library. False where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn in_executable(address: *const c_void) -> bool {
    let file = file_of(address).and_then(|file| file.canonicalize().ok());
    let executable = std::env::current_exe().and_then(|file| file.canonicalize()).ok();
    file.is_some() && file == executable
}

/// The span of the image that `address` lies in. `None` if nothing is mapped there, or if the system does not tell.
#[cfg(target_os = "linux")]
pub fn span_of(address: *const c_void) -> Option<Span> {
    find(|image| image.contains(address).then(|| image.span()))
}

/// The span of the image that `address` lies in. `None` if nothing is mapped there, or if the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn span_of(_address: *const c_void) -> Option<Span> {
    None
}

/// A loaded image.
#[cfg(target_os = "linux")]
pub(super) struct Image<'a> {
    base: usize,
    headers: &'a [Header],
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
type Header = libc::Elf64_Phdr;
#[cfg(all(target_os = "linux", target_pointer_width = "32"))]
type Header = libc::Elf32_Phdr;

#[cfg(target_os = "linux")]
impl Image<'_> {
    /// The addresses of its segments.
    fn segments(&self) -> impl Iterator<Item = Span> {
        self.headers.iter().filter(|header| header.p_type == libc::PT_LOAD).map(|header| {
            let start = self.base.wrapping_add(header.p_vaddr as usize);
            start..start.wrapping_add(header.p_memsz as usize)
        })
    }

    pub(super) fn contains(&self, address: *const c_void) -> bool {
        self.segments().any(|segment| segment.contains(&address.addr()))
    }

    /// The system says where the headers of the executable are, also where it was started by `ld.so` itself. The first image
    /// that the loader lists is not always the executable: in a namespace of `dlmopen` it is a library.
    pub(super) fn is_executable(&self) -> bool {
        // SAFETY: the function takes any number, and returns zero if it does not know it.
        let headers = unsafe { libc::getauxval(libc::AT_PHDR) };
        self.headers.as_ptr().addr() as u64 == headers
    }

    /// Its notes, a slice for each segment of them, with the alignment of names and descriptors.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(super) fn notes(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let notes = self.headers.iter().filter(|header| header.p_type == libc::PT_NOTE);
        notes.filter_map(|header| {
            let start = std::ptr::with_exposed_provenance::<u8>(self.base.wrapping_add(header.p_vaddr as usize));
            let size = header.p_memsz as usize;
            // A linker can be told to leave notes in the file that are not loaded.
            let is_loaded =
                size > 0 && self.contains(start.cast()) && self.contains(start.wrapping_add(size - 1).cast());
            // SAFETY: the bytes lie in loaded segments of the image, which stays mapped while the caller has it. Nothing
            // writes notes.
            is_loaded
                .then(|| (unsafe { std::slice::from_raw_parts(start, size) }, if header.p_align == 8 { 8 } else { 4 }))
        })
    }

    fn span(&self) -> Span {
        let start = self.segments().map(|segment| segment.start).min().unwrap_or_default();
        start..self.segments().map(|segment| segment.end).max().unwrap_or_default()
    }
}

/// Shows `look` each image in the loader's order until it returns something.
#[cfg(target_os = "linux")]
pub(super) fn find<R>(mut look: impl FnMut(&Image<'_>) -> Option<R>) -> Option<R> {
    struct Search<'a, R> {
        look: &'a mut dyn FnMut(&Image<'_>) -> Option<R>,
        found: Option<R>,
    }

    unsafe extern "C" fn visit<R>(info: *mut libc::dl_phdr_info, _size: usize, search: *mut c_void) -> libc::c_int {
        // SAFETY: the loader's `info` is valid for this call, and `search` is the one below, which nothing else uses while
        // `dl_iterate_phdr` runs.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search<'_, R>>()) };
        if info.dlpi_phdr.is_null() {
            return 0;
        }
        // SAFETY: the loader names that many headers of an image that stays mapped for this call.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        search.found = (search.look)(&Image { base: info.dlpi_addr as usize, headers });
        libc::c_int::from(search.found.is_some())
    }

    let mut search = Search { look: &mut look, found: None };
    // SAFETY: `visit` has the type that the function calls, and `search` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit::<R>), (&raw mut search).cast()) };
    search.found
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn code_of_the_executable_is_told_from_that_of_a_library() {
        let own = code_of_the_executable_is_told_from_that_of_a_library as fn() as *const c_void;
        let libc = libc::getpid as unsafe extern "C" fn() -> libc::pid_t as *const c_void;
        assert!(in_executable(own) && !in_executable(libc));
        assert!(span_of(own).unwrap().contains(&own.addr()));
        assert!(!span_of(libc).unwrap().contains(&own.addr()));
        assert_eq!(span_of(std::ptr::without_provenance(8)), None);
    }
}
