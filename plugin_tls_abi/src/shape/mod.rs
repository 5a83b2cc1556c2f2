//! Descriptions of types that two binaries can compare: how they are written and read.
//!
//! A shape is one text. The binary that has the type writes it, and the host reads it. The nodes of the type's structure
//! come in preorder. A type that occurs again is a reference to the first node of that type, so that the text of a recursive
//! type ends.
//!
//! ```text
//! shape     = "shape1;" node
//! node      = kind text fact* child* ")"      text: the name
//!           | "R" number ";"                  a reference to the node with this number, in preorder from 0
//! fact      = "=" text text                   what it is about, and what it is
//! child     = "." text node                   text: what a path to it has after the path to the parent
//!           | "@" number ";" text node        as above, at this offset in bytes
//! text      = number ":" bytes                number: how many bytes
//! ```
//!
//! | kind | node | name |
//! |---|---|---|
//! | `L` | a type without a shape, a *leaf* | as the compiler prints the type |
//! | `T` | a type of std | its path; the children are its arguments |
//! | `B` | a type that the language has a syntax for | the syntax, with `{}` for each child |
//! | `S`, `U`, `E` | a struct, union or enum | its path |
//! | `I` | a trait object | the path of the trait |
//! | `V` | a variant of an enum | its name |
//! | `M` | a method of a trait | its name |
//!
//! Facts in [`SIZES`] are numbers of bytes. The fact [`BUILD`] is no part of the type: it tells which build of the crate made
//! the type. A reader that meets another kind, or another version in front, cannot read the text.

#![forbid(unsafe_code)]

mod read;
mod write;

pub use read::{Child, Node, Shape};
pub use write::Writer;

/// What each shape starts with.
const START: &str = "shape1;";

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

    fn letter(self) -> u8 {
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

    fn of_letter(letter: u8) -> Option<Self> {
        KINDS.iter().find(|(_, known, _)| *known == letter).map(|(kind, ..)| *kind)
    }
}
