//! What a declaration says.
//!
//! The macros pass what they know as one text, fields with NUL bytes between them:
//! `MODULE 0 VERSION 0 TARGET 0 NAME 0 TYPE 0 SITE`. The enclosing function is not among them, since a macro cannot see
//! it; it is in the path at which the compiler sees the item.

#![forbid(unsafe_code)]

use std::fmt;
use std::hash::{Hash, Hasher};

use super::key::Key;

/// What makes an item the same item in two binaries. Two identities are equal if all of their text is; the key only helps
/// to find one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Identity<'a> {
    key: Key,
    /// `MODULE 0 VERSION 0 TARGET 0 NAME 0 TYPE`: see [`fields`](Self::fields).
    text: &'a str,
    function: &'a str,
}

/// The fields of an [`Identity`], one by one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fields<'a> {
    /// The module's path. Its first segment is the crate's name.
    pub module: &'a str,
    /// The part of the crate's version that Cargo holds to be compatible: `1`, `0.3`, `0.0.7`.
    pub version: &'a str,
    /// The binary target that declares the item; empty for a library.
    pub target: &'a str,
    /// The enclosing function, relative to the module where it can be; empty at module level.
    pub function: &'a str,
    pub name: &'a str,
    /// The type as written, in the canonical spelling of the macros.
    pub ty: &'a str,
}

impl<'a> Identity<'a> {
    pub fn fields(&self) -> Fields<'a> {
        let mut fields = self.text.split('\0');
        let mut field = || fields.next().unwrap_or_default();
        let (module, version, target, name, ty) = (field(), field(), field(), field(), field());
        Fields { module, version, target, function: self.function, name, ty }
    }

    /// The same identity in other memory.
    pub fn copied<'b>(self, mut copy: impl FnMut(&str) -> &'b str) -> Identity<'b> {
        Identity { key: self.key, text: copy(self.text), function: copy(self.function) }
    }
}

impl Hash for Identity<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// `crate::module::function::NAME`.
impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fields { module, function, name, .. } = self.fields();
        write!(f, "{module}::")?;
        if !function.is_empty() {
            write!(f, "{function}::")?;
        }
        f.write_str(name)
    }
}

/// A declaration in the source: what it declares, and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declaration<'a> {
    pub identity: Identity<'a>,
    /// `file:line:column`.
    pub site: &'a str,
}

impl<'a> Declaration<'a> {
    /// Reads the macros' text and the compiler's path of the item, which ends in the item's name. `None` if they are
    /// anything else. `bytes` is memory to work in, which a caller with many declarations can use again.
    pub fn read(text: &'a str, path: &'a str, bytes: &mut Vec<u8>) -> Option<Self> {
        let mut rest = text;
        // Byte by byte, because the fields are short.
        let mut field = || {
            let (field, after) = rest.split_at(rest.bytes().position(|byte| byte == 0)?);
            rest = &after[1..];
            Some(field)
        };
        let (module, version, target, name, ty) = (field()?, field()?, field()?, field()?, field()?);
        let site = rest;
        let text = &text[..text.len() - site.len() - 1];
        let function = enclosing_function(module, name, path)?;
        let crate_name = module.split(':').next().unwrap_or_default();
        let key = Key::of([crate_name, version, target, module, function, name, ty], bytes);
        Some(Declaration { identity: Identity { key, text, function }, site })
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

    const TEXT: &str = "api::m\x000.3\0bin\0X\0Cell<u32>\0src/lib.rs:3:5";

    const COUNTER: Fields<'_> =
        Fields { module: "api::requests", version: "0.3", target: "", function: "", name: "COUNTER", ty: "Cell<u32>" };

    fn read<'a>(text: &'a str, path: &'a str) -> Option<Declaration<'a>> {
        Declaration::read(text, path, &mut vec![1, 2, 3])
    }

    /// The key of the declaration that a macro would write for these fields.
    fn key(fields: &Fields<'_>) -> Key {
        let Fields { module, version, target, function, name, ty } = fields;
        let text = format!("{module}\0{version}\0{target}\0{name}\0{ty}\0src/lib.rs:1:1");
        let path = match *function {
            "" => format!("{module}::{name}"),
            function if function.starts_with('<') => format!("{function}::{name}"),
            function => format!("{module}::{function}::{name}"),
        };
        let declaration = read(&text, &path).unwrap();
        assert_eq!(declaration.identity.fields(), *fields);
        declaration.identity.key
    }

    #[test]
    fn keys_are_pinned() {
        let in_function = Fields { function: "handle", ..COUNTER };
        let in_method = Fields { function: "<api::Handler as api::Handle>::handle", ..COUNTER };
        let in_binary = Fields { target: "api", ..COUNTER };
        let keys = [COUNTER, in_function, in_method, in_binary].map(|fields| format!("{:?}", key(&fields)));
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
            Fields { version: "0.4", ..COUNTER },
            Fields { target: "api", ..COUNTER },
            Fields { module: "api", ..COUNTER },
            Fields { function: "f", ..COUNTER },
            Fields { name: "COUNT", ..COUNTER },
            Fields { ty: "Cell<u64>", ..COUNTER },
        ];
        for other in others {
            assert_ne!(key(&COUNTER), key(&other), "{other:?}");
        }
        let in_module = Fields { module: "api", function: "requests", ..COUNTER };
        assert_ne!(key(&COUNTER), key(&in_module), "a function is no module");
    }

    #[test]
    fn the_site_is_no_part_of_the_identity() {
        let elsewhere = "api::m\x000.3\0bin\0X\0Cell<u32>\0src/main.rs:1:1";
        let declaration = read(TEXT, "api::m::f::X").unwrap();
        assert_eq!((declaration.site, declaration.identity.to_string()), ("src/lib.rs:3:5", "api::m::f::X".to_owned()));
        assert_eq!(declaration.identity, read(elsewhere, "api::m::f::X").unwrap().identity);
        assert_ne!(declaration.identity, read(TEXT, "api::m::X").unwrap().identity);
    }

    #[test]
    fn the_enclosing_function_is_what_the_path_has_beyond_the_module() {
        let function = |path| read(TEXT, path).map(|declaration| declaration.identity.fields().function);
        assert_eq!(function("api::m::X"), Some(""));
        assert_eq!(function("api::m::f::X"), Some("f"));
        assert_eq!(function("api::m::f::{{closure}}::X"), Some("f::{{closure}}"));
        assert_eq!(function("api::m::Foo<_>::f::X"), Some("Foo<_>::f"));
        assert_eq!(function("<api::m::Foo as api::Tr>::f::X"), Some("<api::m::Foo as api::Tr>::f"));
        assert_eq!(function("api::mm::X"), Some("api::mm"), "a module that only begins alike is not the module");
    }

    #[test]
    fn a_text_that_is_not_the_macros_is_refused() {
        assert_eq!(read(TEXT, "api::m::Y"), None, "a path that ends in another name");
        assert_eq!(read("api::m\x000.3", "api::m::X"), None, "a text with too few fields");
    }
}
