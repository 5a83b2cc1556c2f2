//! The hash of an identity.
//!
//! A key is a 128-bit hash over length-prefixed fields, so that no two different lists of fields are hashed as the same
//! bytes. It depends on the source alone: any compiler, profile, platform or process computes the same one. It only
//! finds candidates: code that looks up a key compares the identities too.

#![forbid(unsafe_code)]

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What the key of an item is made of, besides what tells items apart that are written alike.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fields<'a> {
    /// The module's path. Its first segment is the crate's name.
    pub module: &'a str,
    /// The part of the crate's version that Cargo holds to be compatible: `1`, `0.3`, `0.0.7`.
    pub version: &'a str,
    /// The name of the package; empty if it is the crate's, apart from hyphens.
    pub package: &'a str,
    /// The binary target that declares the item; empty for a library; [`ALONE`](super::ALONE) for a cdylib that is nothing else.
    pub target: &'a str,
    /// The enclosing function, relative to the module where it can be; empty at module level.
    pub function: &'a str,
    pub name: &'a str,
    /// The type as written, in the canonical spelling of the macros.
    pub ty: &'a str,
}

/// The stable 128-bit hash of an identity: XXH3-128 of its encoded fields.
///
/// In two words, the lower one first: aligned as a number it would make what contains it larger.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Key([u64; 2]);

impl Key {
    /// The key of an item. `bytes` is memory to work in, which a caller with many items can use again.
    pub(super) fn of(fields: Fields<'_>, bytes: &mut Vec<u8>) -> Self {
        let Fields { module, version, package, target, function, name, ty } = fields;
        let crate_name = module.split(':').next().unwrap_or_default();
        bytes.clear();
        encode([package, crate_name, version, target, module, function, name, ty], bytes);
        Key::hash(bytes)
    }

    /// The key of one of several items whose key is this one.
    pub(super) fn with(self, distinction: &str, bytes: &mut Vec<u8>) -> Self {
        bytes.clear();
        bytes.extend(self.0.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend_from_slice(distinction.as_bytes());
        Key::hash(bytes)
    }

    fn hash(bytes: &[u8]) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_128(bytes);
        Key([hash as u64, (hash >> 64) as u64])
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:016x}{:016x})", self.0[1], self.0[0])
    }
}

/// Hashes as the lower half of the key, since half of a hash is a hash. Use it with [`ByKey`].
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// For tables whose keys are [`Key`]s: passes on what is a hash already.
pub type ByKey = BuildHasherDefault<KeyHasher>;

/// See [`ByKey`].
#[derive(Default, Debug)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("a key is hashed as one number")
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Each field behind its length in bytes, as eight little-endian bytes.
fn encode<const N: usize>(fields: [&str; N], bytes: &mut Vec<u8>) {
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_fields_concatenate_to_the_same() {
        let encoded = |fields| {
            let mut bytes = Vec::new();
            encode(fields, &mut bytes);
            bytes
        };
        let with = |name, ty| encoded(["api", "0.3", "", "api", "", name, ty]);
        assert_ne!(with("A", "BC"), with("AB", "C"));
        assert_ne!(with("A", ""), with("", "A"));
    }
}
