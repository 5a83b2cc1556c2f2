//! What a declaration says.
//!
//! The macros pass what they know as one text, fields with ASCII's unit separator between
//! them: `MODULE | VERSION | PACKAGE | TARGET | NAME | TYPE | NUMBER | BUILD | SITE`. The enclosing function is not among them,
//! since a macro cannot see it; it is in the path at which the compiler sees the item.

#![forbid(unsafe_code)]

use std::fmt;
use std::hash::{Hash, Hasher};

use super::fingerprint::Fingerprint;
use super::key::{Fields, Key};

/// What makes an item the same item in two binaries. Two identities are equal if all of their text is; the key only helps
/// to find one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Identity<'a> {
    key: Key,
    /// `MODULE | VERSION | PACKAGE | TARGET | NAME | TYPE`: see [`fields`](Self::fields).
    text: &'a str,
    function: &'a str,
    /// What tells items apart that are written alike: see [`distinct`](Self::distinct). Empty for most.
    distinction: &'a str,
}

/// Stands between two fields of the macros' text.
const SEPARATOR: char = '\x1f';

/// The [target](Fields::target) of items that no other image can have.
pub const ALONE: &str = "*";

impl<'a> Identity<'a> {
    pub fn fields(&self) -> Fields<'a> {
        let mut fields = self.text.split(SEPARATOR);
        let mut field = || fields.next().unwrap_or_default();
        let (module, version, package, target, name, ty) = (field(), field(), field(), field(), field(), field());
        Fields { module, version, package, target, function: self.function, name, ty }
    }

    /// Whether the item belongs to the image that declares it: see [`Declaration::is_alone`].
    pub fn is_alone(&self) -> bool {
        self.fields().target == ALONE
    }

    /// The name of the crate that declares the item.
    pub fn crate_name(&self) -> &'a str {
        self.text.split([':', SEPARATOR]).next().unwrap_or_default()
    }

    /// The hash of the identity.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Whether two items are written alike: only distinctions tell them apart.
    pub fn is_written_like(&self, other: &Identity<'_>) -> bool {
        (self.text, self.function) == (other.text, other.function)
    }

    /// The identity of one of several items that are written alike, or of an item that belongs to one image. `self` has no
    /// distinction, and `bytes` is memory to work in.
    #[must_use]
    pub fn distinct<'b>(self, distinction: &'b str, bytes: &mut Vec<u8>) -> Identity<'b>
    where
        'a: 'b,
    {
        Identity { key: self.key.with(distinction, bytes), text: self.text, function: self.function, distinction }
    }

    /// The same identity in other memory.
    pub fn copied<'b>(self, mut copy: impl FnMut(&str) -> &'b str) -> Identity<'b> {
        let Identity { key, text, function, distinction } = self;
        Identity { key, text: copy(text), function: copy(function), distinction: copy(distinction) }
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
    /// How many items of the same name and type the compiler has seen before in the crate. It differs between items that
    /// are written alike, and two equal builds of a crate agree in it.
    pub number: u32,
    /// The build of the crate.
    pub build: Option<Fingerprint>,
    /// A type whose name starts like that of a type of std may be another crate's.
    pub std_is_ambiguous: bool,
    /// The item belongs to the image that declares it, and no other image can have it.
    pub is_alone: bool,
    /// `file:line:column`.
    pub site: &'a str,
}

/// Follows the fingerprint where [`Declaration::std_is_ambiguous`].
const STD_IS_AMBIGUOUS: char = '!';

/// Reads declarations. It remembers what the declarations of a crate have in common.
#[derive(Default, Debug)]
pub struct Reader<'a> {
    /// Memory to work in.
    bytes: Vec<u8>,
    /// The last fingerprint, and its text.
    build: Option<(&'a str, Fingerprint)>,
}

impl<'a> Reader<'a> {
    fn fingerprint(&mut self, text: &'a str) -> Option<Fingerprint> {
        match self.build {
            Some((last, fingerprint)) if last == text => Some(fingerprint),
            _ => {
                let fingerprint = Fingerprint::parse(text)?;
                self.build = Some((text, fingerprint));
                Some(fingerprint)
            }
        }
    }
}

impl<'a> Declaration<'a> {
    /// Reads the macros' text and the compiler's path of the item, which ends in the item's name. `None` if they are
    /// anything else.
    pub fn read(text: &'a str, path: &'a str, reader: &mut Reader<'a>) -> Option<Self> {
        let mut rest = text;
        // Byte by byte, because the fields are short.
        let mut field = || {
            let (field, after) = rest.split_at(rest.bytes().position(|byte| byte == SEPARATOR as u8)?);
            rest = &after[1..];
            Some(field)
        };
        let (module, version, package, target) = (field()?, field()?, field()?, field()?);
        let (name, ty) = (field()?, field()?);
        let (number, build) = (field()?, field()?);
        let site = rest;
        let text = &text[..text.len() - site.len() - build.len() - number.len() - 3];
        let function = enclosing_function(module, name, path)?;
        let number = if number.is_empty() { 0 } else { number.parse().ok()? };
        let (build, std_is_ambiguous) = match build.strip_suffix(STD_IS_AMBIGUOUS) {
            Some(build) => (build, true),
            None => (build, false),
        };
        let build = if build.is_empty() { None } else { Some(reader.fingerprint(build)?) };
        let key = Key::of(Fields { module, version, package, target, function, name, ty }, &mut reader.bytes);
        let identity = Identity { key, text, function, distinction: "" };
        Some(Declaration { identity, number, build, std_is_ambiguous, is_alone: target == ALONE, site })
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

    const TEXT: &str = "api::m\x1f0.3\x1fpkg\x1fbin\x1fX\x1fCell<u32>\x1f\x1f\x1fsrc/lib.rs:3:5";

    const COUNTER: Fields<'_> = Fields {
        module: "api::requests",
        version: "0.3",
        package: "api",
        target: "",
        function: "",
        name: "COUNTER",
        ty: "Cell<u32>",
    };

    fn read<'a>(text: &'a str, path: &'a str) -> Option<Declaration<'a>> {
        Declaration::read(text, path, &mut Reader::default())
    }

    /// The key of the declaration that a macro would write for these fields.
    fn key(fields: &Fields<'_>) -> Key {
        let Fields { module, version, package, target, function, name, ty } = fields;
        let text = [module, version, package, target, name, ty, "", "", "src/lib.rs:1:1"].join("\x1f");
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
                "Key(b0fa69e81b557bfa65e0f62942c7e2d9)",
                "Key(1179a3c28a75bd36fe8eabd2808e9d3c)",
                "Key(01226c4e65d0ebf0c641895a8e137557)",
                "Key(001c776ec5cbddabde303cfa1db694db)",
            ]
        );
    }

    #[test]
    fn every_field_counts() {
        let others = [
            Fields { version: "0.4", ..COUNTER },
            Fields { package: "other", ..COUNTER },
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
        let elsewhere = "api::m\x1f0.3\x1fpkg\x1fbin\x1fX\x1fCell<u32>\x1f7\x1f!\x1fsrc/main.rs:1:1";
        let declaration = read(TEXT, "api::m::f::X").unwrap();
        assert_eq!((declaration.site, declaration.identity.to_string()), ("src/lib.rs:3:5", "api::m::f::X".to_owned()));
        assert_eq!(declaration.identity, read(elsewhere, "api::m::f::X").unwrap().identity);
        assert_ne!(declaration.identity, read(TEXT, "api::m::X").unwrap().identity);
    }

    #[test]
    fn number_and_build_are_no_part_of_the_identity() {
        let build = "00112233445566778899aabbccddeeff";
        let with = |number: &str, build: &str| TEXT.replace("\x1f\x1f\x1f", &format!("\x1f{number}\x1f{build}\x1f"));
        let plain = read(TEXT, "api::m::X").unwrap();
        assert_eq!((plain.number, plain.build, plain.std_is_ambiguous), (0, None, false));
        let text = with("12", &format!("{build}!"));
        let other = read(&text, "api::m::X").unwrap();
        assert_eq!((other.number, other.build, other.std_is_ambiguous), (12, Fingerprint::parse(build), true));
        assert_eq!(other.identity, plain.identity);
        for (number, build) in [("x", build), ("-1", build), ("1", "0011"), ("1", "!!")] {
            assert_eq!(read(&with(number, build), "api::m::X"), None, "{number} {build}");
        }
    }

    #[test]
    fn items_that_are_written_alike_can_be_told_apart() {
        let mut bytes = Vec::new();
        let plain = read(TEXT, "api::m::X").unwrap().identity;
        let [first, second] = ["1", "2"].map(|distinction| plain.distinct(distinction, &mut bytes));
        assert!(plain != first && first != second && first.key != second.key);
        assert_eq!(first, plain.distinct("1", &mut bytes));
        assert_eq!(first.fields(), plain.fields());
        assert!(
            first.is_written_like(&second) && !first.is_written_like(&read(TEXT, "api::m::f::X").unwrap().identity)
        );
        assert_eq!(first.crate_name(), "api");
    }

    #[test]
    fn items_of_a_cdylib_are_alone() {
        let is_alone = |text: &str| read(text, "api::m::X").unwrap().is_alone;
        assert!(!is_alone(TEXT) && is_alone(&TEXT.replace("bin", ALONE)));
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
        assert_eq!(read("api::m\x1f0.3", "api::m::X"), None, "a text with too few fields");
    }
}
