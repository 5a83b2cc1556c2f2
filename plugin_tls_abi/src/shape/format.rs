//! The words of the format.

#![forbid(unsafe_code)]

/// What each shape starts with.
pub(super) const START: &str = "shape1;";

/// The size of a type.
pub const SIZE: &str = "size";
/// The alignment of a type.
pub const ALIGN: &str = "alignment";
/// The size of the `Option` of a type. It tells whether the type leaves bits unused.
pub const OPTION_SIZE: &str = "size of `Option`";
/// The facts that are numbers of bytes.
pub const SIZES: [&str; 3] = [SIZE, ALIGN, OPTION_SIZE];
/// The build of the crate that defines the type.
pub const BUILD: &str = "build";
/// The bytes of a leaf's `TypeId`, in hexadecimal digits.
pub const TYPE_ID: &str = "type id";
/// The Cargo-compatible version of the crate that defines the type.
pub const VERSION: &str = "version";

/// What a node stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Leaf,
    Std,
    Builtin,
    Struct,
    Union,
    Enum,
    Trait,
    Variant,
    Method,
}

/// Each kind with its letter and its name in reports.
const KINDS: [(Kind, u8, &str); 9] = [
    (Kind::Leaf, b'L', "type"),
    (Kind::Std, b'T', "type"),
    (Kind::Builtin, b'B', "type"),
    (Kind::Struct, b'S', "struct"),
    (Kind::Union, b'U', "union"),
    (Kind::Enum, b'E', "enum"),
    (Kind::Trait, b'I', "trait"),
    (Kind::Variant, b'V', "variant"),
    (Kind::Method, b'M', "method"),
];

impl Kind {
    /// The kind's name in reports.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("type", |(.., word)| word)
    }

    /// Whether users wrote the definition.
    pub fn is_derived(self) -> bool {
        matches!(self, Kind::Struct | Kind::Union | Kind::Enum | Kind::Trait)
    }

    pub(super) fn letter(self) -> u8 {
        match self {
            Kind::Leaf => b'L',
            Kind::Std => b'T',
            Kind::Builtin => b'B',
            Kind::Struct => b'S',
            Kind::Union => b'U',
            Kind::Enum => b'E',
            Kind::Trait => b'I',
            Kind::Variant => b'V',
            Kind::Method => b'M',
        }
    }

    pub(super) fn of_letter(letter: u8) -> Option<Self> {
        KINDS.iter().find(|(_, known, _)| *known == letter).map(|(kind, ..)| *kind)
    }
}
