//! The plugin's file, before it is loaded and while it is.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use libloading::Library;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::read::{ReadCache, ReadRef};
use object::{FileKind, Object, ObjectSymbol, elf};

use super::error::LoadErrorKind;

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

/// Looks at the file without loading it.
///
/// # Errors
///
/// What the system's loader would not say in such words, or would not survive: it maps the segments of a file that is not
/// whole, and a read beyond the file's end kills the process.
pub(super) fn check(path: &Path) -> Result<FileMark, LoadErrorKind> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => LoadErrorKind::NotFound,
        _ => LoadErrorKind::Unreadable { source: Box::new(error) },
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(LoadErrorKind::NotAFile);
    }
    let file = File::open(path).map_err(unreadable)?;
    check_segments(&ReadCache::new(file), metadata.len()).map_err(|what| LoadErrorKind::DamagedFile { what })?;
    Ok(FileMark::of(&metadata))
}

/// Whether an ELF file has all the bytes that its headers speak of. Other files are left to the system's loader.
fn check_segments<'data, R: ReadRef<'data>>(data: R, length: u64) -> Result<(), String> {
    match FileKind::parse(data) {
        Ok(FileKind::Elf32) => check_elf::<elf::FileHeader32<object::Endianness>, _>(data, length),
        Ok(FileKind::Elf64) => check_elf::<elf::FileHeader64<object::Endianness>, _>(data, length),
        _ => Ok(()),
    }
}

fn check_elf<'data, Elf: FileHeader<Endian = object::Endianness>, R: ReadRef<'data>>(
    data: R,
    length: u64,
) -> Result<(), String> {
    let describe = |error: object::read::Error| format!("its headers cannot be read: {error}");
    let header = Elf::parse(data).map_err(describe)?;
    let endian = header.endian().map_err(describe)?;
    for segment in header.program_headers(endian, data).map_err(describe)? {
        let (start, size) = segment.file_range(endian);
        let end = start.saturating_add(size);
        if segment.p_type(endian) == elf::PT_LOAD && end > length {
            return Err(format!("it has {length} bytes, and a segment of it ends at byte {end}: it is not whole"));
        }
    }
    Ok(())
}

/// The symbols that a library exports and whose name starts with `prefix`.
pub(super) fn exported_symbols(path: &Path, prefix: &str) -> Vec<String> {
    fn names<'data, Elf: FileHeader, R: ReadRef<'data>>(data: R, prefix: &str) -> Vec<String> {
        let Ok(file) = ElfFile::<Elf, R>::parse(data) else { return Vec::new() };
        let defined = file.dynamic_symbols().filter(|symbol| symbol.is_definition());
        let names = defined.filter_map(|symbol| symbol.name().ok().map(str::to_owned));
        names.filter(|name| name.starts_with(prefix)).collect()
    }

    let Ok(file) = File::open(path) else { return Vec::new() };
    let data = ReadCache::new(file);
    match FileKind::parse(&data) {
        Ok(FileKind::Elf32) => names::<elf::FileHeader32<object::Endianness>, _>(&data, prefix),
        Ok(FileKind::Elf64) => names::<elf::FileHeader64<object::Endianness>, _>(&data, prefix),
        _ => Vec::new(),
    }
}

/// Opens the library. Its names are not used for other libraries, and all of its needs are resolved now, so that what is
/// missing is an error here and not a crash later.
///
/// # Safety
///
/// The library's constructors may run.
pub(super) unsafe fn open(path: &Path) -> Result<Library, Box<dyn Error + Send + Sync>> {
    // The system's loader would look for a bare name in the system's folders.
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    #[cfg(unix)]
    {
        use libloading::os::unix;
        // SAFETY: the caller guarantees that the library's constructors may run.
        Ok(unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Library::from)?)
    }
    #[cfg(not(unix))]
    {
        // SAFETY: the caller guarantees that the library's constructors may run.
        Ok(unsafe { Library::new(path) }?)
    }
}
