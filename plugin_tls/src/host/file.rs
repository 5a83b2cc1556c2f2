//! The plugin's file, before it is loaded and while it is.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use libloading::Library;

use super::error::LoadError;

/// Tells a file from what it was before it was overwritten or replaced.
#[derive(PartialEq, Eq)]
pub(super) struct FileMark {
    length: u64,
    modified: Option<SystemTime>,
    /// Device and inode, where there are any.
    place: Option<(u64, u64)>,
}

impl FileMark {
    fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let place =
            Some((std::os::unix::fs::MetadataExt::dev(metadata), std::os::unix::fs::MetadataExt::ino(metadata)));
        #[cfg(not(unix))]
        let place = None;
        FileMark { length: metadata.len(), modified: metadata.modified().ok(), place }
    }
}

/// Says what is wrong with the path in words that the system's loader would not find.
pub(super) fn check(path: &Path) -> Result<FileMark, LoadError> {
    let path = || path.to_owned();
    match fs::metadata(path()) {
        Ok(metadata) if metadata.is_file() => Ok(FileMark::of(&metadata)),
        Ok(_) => Err(LoadError::NotAFile { path: path() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LoadError::NotFound { path: path() }),
        Err(source) => Err(LoadError::Unreadable { path: path(), source }),
    }
}

/// Opens the library with its names kept to itself and all of its needs resolved now, so that what is missing is a
/// reason not to load it and not a crash later.
///
/// # Safety
///
/// The library's constructors may run.
pub(super) unsafe fn open(path: &Path) -> Result<Library, libloading::Error> {
    // A bare name would be looked for in the system's folders.
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    #[cfg(unix)]
    {
        use libloading::os::unix;
        // SAFETY: the caller's word.
        unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Library::from)
    }
    #[cfg(not(unix))]
    {
        // SAFETY: the caller's word.
        unsafe { Library::new(path) }
    }
}
