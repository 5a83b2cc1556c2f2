//! The hash by which the compiler tells two builds of a crate apart.
//!
//! It covers the crate's code, its settings, and the hashes of the crates that it depends on. It stands in the head of the
//! metadata that the compiler writes. The bytes of a file would not do: a clean build and an incremental one differ in
//! bytes and agree in this hash.
//!
//! ```text
//! rust 0 0 0 VERSION │ ROOT: u64 │ …          at ROOT:  0 │ LENGTH │ the target's name │ 0xC1 │ HASH: 16 bytes │ …
//! ```
//!
//! The metadata is the whole file (`.rmeta`), a member of an archive (`.rlib`), which may be an object file around it, or in
//! a section of a dynamic library (procedural macros) behind the same magic number and the metadata's length.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// A crate hash.
pub(crate) type CrateHash = [u8; 16];

const MAGIC: &[u8] = b"rust\0\0\0";
/// The versions of the metadata's head that are known to be as above: compilers 1.85 to 1.97.
const VERSIONS: &[u8] = &[9, 10];
/// Ends each text in the metadata.
const END_OF_TEXT: u8 = 0xC1;
/// Metadata starts within so many bytes of an archive's member, behind the head of an object file.
const NEAR: u64 = 4096;

/// The hash of the crate in this file. `None` if the file is not known to have one.
pub(crate) fn of(path: &Path) -> Option<CrateHash> {
    read(&mut File::open(path).ok()?)
}

fn read(file: &mut (impl Read + Seek)) -> Option<CrateHash> {
    let start = match &bytes::<8>(file, 0)? {
        b"!<arch>\n" => in_archive(file)?,
        [0x7F, b'E', b'L', b'F', 2, 1, ..] => in_library(file)?,
        _ => 0,
    };
    let [head @ .., version] = bytes::<8>(file, start)?;
    if head != MAGIC || !VERSIONS.contains(&version) {
        return None;
    }
    let root = start.checked_add(u64::from_le_bytes(bytes(file, start + 8)?))?;
    let [_, length] = bytes::<2>(file, root)?;
    let mut target = vec![0; usize::from(length)];
    read_at(file, root + 2, &mut target)?;
    let is_target = target.contains(&b'-') && target.iter().all(|byte| byte.is_ascii_graphic());
    let [end, hash @ ..] = bytes::<17>(file, root + 2 + u64::from(length))?;
    (is_target && end == END_OF_TEXT).then_some(hash)
}

/// Where the metadata starts in an archive.
fn in_archive(file: &mut (impl Read + Seek)) -> Option<u64> {
    let mut member = 8;
    loop {
        let head = bytes::<60>(file, member)?;
        let size: u64 = std::str::from_utf8(&head[48..58]).ok()?.trim().parse().ok()?;
        if head.starts_with(b"lib.rmeta") {
            return metadata_near(file, member + 60, size.min(NEAR));
        }
        member = (member + 60).checked_add(size)?.checked_next_multiple_of(2)?;
    }
}

/// Where the metadata starts in a library: in the section `.rustc` of an ELF file of 64 bits.
fn in_library(file: &mut (impl Read + Seek)) -> Option<u64> {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let head = bytes::<64>(file, 0)?;
    let (sections, size) = (number(&head[40..48]), number(&head[58..60]));
    let (count, names) = (number(&head[60..62]), number(&head[62..64]));
    let mut section = |index: u64| bytes::<64>(file, sections.checked_add(index.checked_mul(size)?)?);
    let names = number(&section(names)?[24..32]);
    let heads: Vec<_> = (0..count).map_while(&mut section).collect();
    let named =
        |head: &&[u8; 64]| bytes::<7>(file, names + number(&head[..4])).is_some_and(|name| &name == b".rustc\0");
    let head = heads.iter().find(named)?;
    // Behind the magic number and the length of the metadata.
    number(&head[24..32]).checked_add(16)
}

/// The first place in a part of the file that looks like the start of metadata.
fn metadata_near(file: &mut (impl Read + Seek), start: u64, length: u64) -> Option<u64> {
    let mut part = vec![0; usize::try_from(length).ok()?];
    read_at(file, start, &mut part)?;
    let is_start = |bytes: &[u8]| bytes.starts_with(MAGIC) && VERSIONS.contains(&bytes[MAGIC.len()]);
    let found = part.windows(MAGIC.len() + 1).position(is_start)?;
    Some(start + found as u64)
}

fn bytes<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_at(file, at, &mut bytes)?;
    Some(bytes)
}

fn read_at(file: &mut (impl Read + Seek), at: u64, bytes: &mut [u8]) -> Option<()> {
    file.seek(SeekFrom::Start(at)).ok()?;
    file.read_exact(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const HASH: CrateHash = *b"0123456789abcdef";

    fn metadata(version: u8, target: &str) -> Vec<u8> {
        let mut bytes = [MAGIC, &[version], &24_u64.to_le_bytes(), &[0; 8], &[0, target.len() as u8]].concat();
        bytes.extend_from_slice(target.as_bytes());
        bytes.push(END_OF_TEXT);
        bytes.extend_from_slice(&HASH);
        bytes
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in members {
            let size = content.len();
            bytes.extend_from_slice(format!("{name:<48}{size:<10}`\n").as_bytes());
            bytes.extend_from_slice(content);
            bytes.resize(bytes.len().next_multiple_of(2), 0);
        }
        bytes
    }

    /// An ELF file with the sections of these names and contents, and one of their names.
    fn library(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let (mut heads, mut names) = (Vec::new(), Vec::new());
        let mut add = |bytes: &mut Vec<u8>, name: u64, content: &[u8]| {
            for word in [name, 0, 0, bytes.len() as u64, content.len() as u64, 0, 0, 0_u64] {
                heads.extend_from_slice(&word.to_le_bytes());
            }
            bytes.extend_from_slice(content);
        };
        for (name, content) in sections {
            add(&mut bytes, names.len() as u64, content);
            names.extend_from_slice(format!("{name}\0").as_bytes());
        }
        add(&mut bytes, 0, &names);
        let start = bytes.len() as u64;
        bytes[40..48].copy_from_slice(&start.to_le_bytes());
        let count = sections.len() as u16;
        for (at, number) in [(58, 64), (60, count + 1), (62, count)] {
            bytes[at..at + 2].copy_from_slice(&number.to_le_bytes());
        }
        [bytes, heads].concat()
    }

    fn hash(bytes: &[u8]) -> Option<CrateHash> {
        read(&mut Cursor::new(bytes))
    }

    #[test]
    fn the_hash_is_found_in_each_kind_of_file() {
        let bytes = metadata(10, "x86_64-unknown-linux-gnu");
        assert_eq!(hash(&bytes), Some(HASH));
        assert_eq!(hash(&archive(&[("/", b"odd"), ("lib.rmeta/", &bytes)])), Some(HASH));
        let in_object = [&b"an object file"[..], &bytes].concat();
        assert_eq!(hash(&archive(&[("lib.rmeta/", &in_object)])), Some(HASH));
        let in_section = [MAGIC, &[10], &[0; 8], &bytes].concat();
        assert_eq!(hash(&library(&[(".text", b"code"), (".rustc", &in_section)])), Some(HASH));
        assert_eq!(hash(&library(&[(".text", b"code"), (".rust", &in_section)])), None);
    }

    #[test]
    fn what_is_not_known_has_no_hash() {
        let bytes = metadata(10, "x86_64-unknown-linux-gnu");
        for bytes in [&[][..], b"rust", &bytes[..bytes.len() - 1], b"\x7fELF\x02\x01\0\0", &archive(&[("a", &bytes)])] {
            assert_eq!(hash(bytes), None);
        }
        assert_eq!(hash(&metadata(77, "x86_64-unknown-linux-gnu")), None, "another version");
        assert_eq!(hash(&metadata(10, "no target")), None);
    }

    /// The files that the compiler has written for this very test.
    #[test]
    fn crates_of_this_build_have_hashes() {
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let files = || std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let hashes = |start: &str, end: &str| -> Vec<_> {
            let named = |path: &Path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                name.starts_with(start) && name.ends_with(end)
            };
            files().filter(|path| named(path)).map(|path| (of(&path), path)).collect()
        };
        for end in [".rmeta", ".rlib"] {
            let hashes = hashes("libquote", end);
            assert!(!hashes.is_empty(), "quote is a dependency");
            for (hash, path) in hashes {
                assert!(hash.is_some(), "{}", path.display());
            }
        }
    }
}
