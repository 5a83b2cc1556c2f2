//! The identity of an item.
//!
//! A key is a 128-bit hash over length-prefixed fields, so that no two different lists of fields are hashed as the same
//! bytes. It depends on the source alone: any compiler, profile, platform or process computes the same one. It only
//! finds candidates: whoever looks a key up compares the fields too.
//!
//! The macros pass what they know as one text, the fields between NUL bytes, and the path at which the compiler sees
//! the item; [`Declaration::read`] takes both apart.

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// The stable 128-bit identity of an item: XXH3-128 of [`Identity::encode`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u128);

impl Key {
    pub(crate) fn of(encoded: &[u8]) -> Self {
        Key(xxhash_rust::xxh3::xxh3_128(encoded))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:032x})", self.0)
    }
}

/// An identity as it is kept and looked up: found by its key, and the same only if all of its text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(all(test, feature = "abi_stable"), derive(Default))]
pub(crate) struct Written<'a> {
    /// Of the key: half of a hash is a hash.
    hash: u64,
    /// What the macros know of it: `MODULE 0 VERSION 0 TARGET 0 NAME 0 TYPE`.
    fields: &'a str,
    function: &'a str,
}

impl<'a> Written<'a> {
    /// The same in other memory.
    pub(crate) fn copied<'b>(self, mut copy: impl FnMut(&str) -> &'b str) -> Written<'b> {
        Written { hash: self.hash, fields: copy(self.fields), function: copy(self.function) }
    }

    pub(crate) fn identity(&self) -> Identity<'a> {
        let mut fields = self.fields.split('\0');
        let mut field = || fields.next().unwrap_or_default();
        let (module, version, target, name, ty) = (field(), field(), field(), field(), field());
        Identity { version, target, module, function: self.function, name, ty }
    }
}

impl Hash for Written<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Passes on what is a hash already.
pub(crate) type ByKey = BuildHasherDefault<KeyHasher>;

#[derive(Default)]
pub(crate) struct KeyHasher(u64);

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

/// The fields that make an item the same item in two binaries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity<'a> {
    /// The part of the crate's version that Cargo holds to be compatible: `1`, `0.3`, `0.0.7`.
    pub(crate) version: &'a str,
    /// The binary target that declares the item; empty for a library.
    pub(crate) target: &'a str,
    /// The module's path; its first segment is the crate's name.
    pub(crate) module: &'a str,
    /// The enclosing function, relative to the module where it can be; empty at module level.
    pub(crate) function: &'a str,
    pub(crate) name: &'a str,
    /// The type as written, in the canonical spelling of the macros.
    pub(crate) ty: &'a str,
}

impl<'a> Identity<'a> {
    /// The crate's name and the six fields, each behind its length in bytes as eight little-endian bytes.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let crate_name = self.module.split(':').next().unwrap_or_default();
        for field in [crate_name, self.version, self.target, self.module, self.function, self.name, self.ty] {
            bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
    }
}

/// `crate::module::function::NAME`.
impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::", self.module)?;
        if !self.function.is_empty() {
            write!(f, "{}::", self.function)?;
        }
        f.write_str(self.name)
    }
}

/// One declaration in the source: what it declares and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Declaration<'a> {
    pub(crate) identity: Identity<'a>,
    /// See [`Written::fields`].
    fields: &'a str,
    /// `file:line:column`.
    pub(crate) site: &'a str,
}

impl<'a> Declaration<'a> {
    /// Reads the macros' text, `MODULE 0 VERSION 0 TARGET 0 NAME 0 TYPE 0 SITE`, and the compiler's path of the item,
    /// which ends in its name (see [`crate::item::Described`]). `None` if they are anything else.
    pub(crate) fn read(text: &'a str, path: &'a str) -> Option<Self> {
        let mut site = text;
        // Byte by byte, for the fields are short.
        let mut field = || {
            let (field, rest) = site.split_at(site.bytes().position(|byte| byte == 0)?);
            site = &rest[1..];
            Some(field)
        };
        let (module, version, target, name, ty) = (field()?, field()?, field()?, field()?, field()?);
        let fields = &text[..text.len() - site.len() - 1];
        let function = enclosing_function(module, name, path)?;
        Some(Declaration { identity: Identity { version, target, module, function, name, ty }, fields, site })
    }

    /// `bytes` is room to work in.
    pub(crate) fn written(&self, bytes: &mut Vec<u8>) -> Written<'a> {
        bytes.clear();
        self.identity.encode(bytes);
        Written { hash: Key::of(bytes).0 as u64, fields: self.fields, function: self.identity.function }
    }
}

/// What stands between the module and the item in the compiler's path.
///
/// For a method that is the path of its `impl`, which need not start with the module; it identifies the function all
/// the same. The compilers from 1.85 on print the same paths.
fn enclosing_function<'a>(module: &str, name: &str, path: &'a str) -> Option<&'a str> {
    let parent = path.strip_suffix(name)?.strip_suffix("::")?;
    if parent == module {
        return Some("");
    }
    Some(parent.strip_prefix(module).and_then(|rest| rest.strip_prefix("::")).unwrap_or(parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTER: Identity<'_> = Identity {
        version: "0.3",
        target: "",
        module: "api::requests",
        function: "",
        name: "COUNTER",
        ty: "Cell<u32>",
    };

    fn encoded(identity: &Identity<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        identity.encode(&mut bytes);
        bytes
    }

    fn key(identity: &Identity<'_>) -> Key {
        Key::of(&encoded(identity))
    }

    #[test]
    fn keys_are_pinned() {
        let in_function = Identity { function: "handle", ..COUNTER };
        let in_method = Identity { function: "<api::Handler as api::Handle>::handle", ..COUNTER };
        let in_binary = Identity { target: "api", ..COUNTER };
        let keys = [COUNTER, in_function, in_method, in_binary].map(|identity| format!("{:?}", key(&identity)));
        assert_eq!(
            keys,
            [
                "Key(fbf1ff8cc10e7e4f95cc44f20df2ad46)",
                "Key(952ca9c73e21b6ce742e3b354b2da281)",
                "Key(b85b5e969c4dce46d15542031b361ecb)",
                "Key(e599518d7ce7acb2b0308569a97fae74)",
            ]
        );
    }

    #[test]
    fn every_field_counts() {
        let others = [
            Identity { version: "0.4", ..COUNTER },
            Identity { target: "api", ..COUNTER },
            Identity { module: "api", ..COUNTER },
            Identity { function: "f", ..COUNTER },
            Identity { name: "COUNT", ..COUNTER },
            Identity { ty: "Cell<u64>", ..COUNTER },
        ];
        for other in others {
            assert_ne!(key(&COUNTER), key(&other), "{other:?}");
        }
    }

    #[test]
    fn no_two_lists_of_fields_concatenate_to_the_same() {
        let a = Identity { name: "A", ty: "BC", ..COUNTER };
        let ab = Identity { name: "AB", ty: "C", ..COUNTER };
        assert_ne!(encoded(&a), encoded(&ab));
        let inner = Identity { module: "api", function: "requests", ..COUNTER };
        assert_ne!(encoded(&inner), encoded(&COUNTER));
    }

    #[test]
    fn what_is_written_is_the_identity() {
        let text = "api::m\x000.3\0bin\0X\0Cell<u32>\0src/lib.rs:3:5";
        let declaration = Declaration::read(text, "api::m::f::X").unwrap();
        let written = declaration.written(&mut Vec::new());
        assert_eq!(written.identity(), declaration.identity);
        assert_eq!(written.hash, key(&declaration.identity).0 as u64);
        let elsewhere = Declaration::read("api::m\x000.3\0bin\0X\0Cell<u32>\0src/main.rs:1:1", "api::m::f::X").unwrap();
        assert_eq!(elsewhere.written(&mut Vec::new()), written, "the site is not part of it");
        let outside = Declaration::read(text, "api::m::X").unwrap();
        assert_ne!(outside.written(&mut Vec::new()), written);
    }

    #[test]
    fn the_macros_text_is_read() {
        let text = "api::m\x000.3\0\0X\0Cell<u32>\0src/lib.rs:3:5";
        let function = |path| Declaration::read(text, path).map(|declaration| declaration.identity.function);
        assert_eq!(function("api::m::X"), Some(""));
        assert_eq!(function("api::m::f::X"), Some("f"));
        assert_eq!(function("api::m::f::{{closure}}::X"), Some("f::{{closure}}"));
        assert_eq!(function("api::m::Foo<_>::f::X"), Some("Foo<_>::f"));
        assert_eq!(function("<api::m::Foo as api::Tr>::f::X"), Some("<api::m::Foo as api::Tr>::f"));
        assert_eq!(function("api::mm::X"), Some("api::mm"), "a module that only begins alike is not the module");
        assert_eq!(function("api::m::Y"), None);
        assert_eq!(Declaration::read("api::m\x000.3", "api::m::X"), None);
        assert_eq!(Declaration::read(text, "api::m::X").map(|d| d.site), Some("src/lib.rs:3:5"));
    }
}
