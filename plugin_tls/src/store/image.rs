//! What the system knows of the loaded binaries.

use std::ffi::c_void;
use std::path::PathBuf;

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

/// Whether `address` lies in the program itself, and not in a library.
#[cfg(target_os = "linux")]
pub(crate) fn in_executable(address: *const c_void) -> bool {
    struct Search {
        address: usize,
        found: bool,
    }

    unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _size: usize, search: *mut c_void) -> libc::c_int {
        // SAFETY: `info` is the loader's, valid for this call; `search` is what is passed below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        if info.dlpi_phdr.is_null() {
            return 1;
        }
        // SAFETY: the loader's headers of a mapped binary.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        search.found = headers.iter().filter(|header| header.p_type == libc::PT_LOAD).any(|header| {
            let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            (start..start + header.p_memsz as usize).contains(&search.address)
        });
        // The program comes first; the libraries do not matter.
        1
    }

    let mut search = Search { address: address.addr(), found: false };
    // SAFETY: `visit` is of the type that the function calls, and gets `search`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}
