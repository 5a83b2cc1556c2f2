//! The plugin's file, before it is loaded and while it is.

use std::error::Error;
use std::ffi::c_void;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use libloading::Library;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::read::{ReadCache, ReadRef};
use object::{FileKind, Object, ObjectSymbol, elf};
use plugin_tls_abi::sys::image;

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

/// What the file is like now.
///
/// # Errors
///
/// If there is no such file, or if it is something else.
pub(super) fn mark(path: &Path) -> Result<FileMark, LoadErrorKind> {
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_file() { Ok(FileMark::of(&metadata)) } else { Err(LoadErrorKind::NotAFile) }
}

fn unreadable(error: io::Error) -> LoadErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => LoadErrorKind::NotFound,
        _ => LoadErrorKind::Unreadable { source: Box::new(error) },
    }
}

/// Looks into a file that has this mark, without loading it.
///
/// # Errors
///
/// What the system's loader would not say in such words, or would not survive: it maps the segments of a file that is not
/// whole, and a read beyond the file's end kills the process.
pub(super) fn check(path: &Path, mark: &FileMark) -> Result<(), LoadErrorKind> {
    let mut file = File::open(path).map_err(unreadable)?;
    // The headers are at the start, as a rule.
    let mut start = [0; 2048];
    let read = file.read(&mut start).map_err(unreadable)?;
    check_segments(&start[..read], mark.length)
        .or_else(|_| check_segments(&ReadCache::new(file), mark.length))
        .map_err(|what| LoadErrorKind::DamagedFile { what })
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
    let describe = |error: object::read::Error| format!("its headers cannot be read ({error}): build or copy it again");
    let header = Elf::parse(data).map_err(describe)?;
    let endian = header.endian().map_err(describe)?;
    let machine = header.e_machine(endian);
    let is_64 = header.is_type_64();
    if MACHINE.is_some_and(|own| own != machine) || is_64 != cfg!(target_pointer_width = "64") {
        let bits = if is_64 { 64 } else { 32 };
        let number = machine.0;
        return Err(format!(
            "it is built for another machine (number {number} of ELF, {bits} bits): build it for this one"
        ));
    }
    let segments = header.program_headers(endian, data).map_err(describe)?;
    let range = |segment: &Elf::ProgramHeader| {
        let (start, size) = segment.file_range(endian);
        start..start.saturating_add(size)
    };
    let loaded: Vec<_> = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).map(&range).collect();
    if let Some(segment) = loaded.iter().find(|segment| segment.end > length) {
        let end = segment.end;
        return Err(format!("it has {length} bytes, and a segment of it ends at byte {end}: build or copy it again"));
    }
    // The loader reads its tables where the dynamic segment says, and does not look whether that is loaded.
    let dynamic = segments.iter().find(|segment| segment.p_type(endian) == elf::PT_DYNAMIC).map(range);
    let within = |dynamic: &Range<u64>, loaded: &Range<u64>| loaded.start <= dynamic.start && dynamic.end <= loaded.end;
    match dynamic {
        Some(dynamic) if loaded.iter().any(|loaded| within(&dynamic, loaded)) => Ok(()),
        Some(_) => Err("its dynamic segment is not part of what is loaded: build or copy it again".to_owned()),
        // An executable without libraries, which the system's loader refuses.
        None => Ok(()),
    }
}

/// The machine of this binary, in ELF's numbers, where it is one of these.
const MACHINE: Option<elf::Machine> = if cfg!(target_arch = "x86_64") {
    Some(elf::EM_X86_64)
} else if cfg!(target_arch = "aarch64") {
    Some(elf::EM_AARCH64)
} else if cfg!(target_arch = "x86") {
    Some(elf::EM_386)
} else if cfg!(target_arch = "arm") {
    Some(elf::EM_ARM)
} else if cfg!(target_arch = "s390x") {
    Some(elf::EM_S390)
} else {
    None
};

/// Whether `address` lies in the image of the file at `path`, and not in that of a library that the file needs. True where
/// the system does not tell.
pub(super) fn is_in_image_of(address: *const c_void, path: &Path) -> bool {
    let Some(image) = image::file_of(address) else { return true };
    if image == path {
        return true;
    }
    let place = |path: &Path| mark(path).ok().and_then(|mark| mark.place);
    place(&image) == place(path)
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
