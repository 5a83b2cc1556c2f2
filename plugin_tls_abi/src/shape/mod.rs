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

mod format;
mod read;
mod write;

pub use format::{ALIGN, BUILD, Kind, OPTION_SIZE, SIZE, SIZES, TYPE_ID, VERSION};
pub use read::{Child, Node, Shape};
pub use write::Writer;
