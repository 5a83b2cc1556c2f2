//! Descriptions of types, which two binaries compare.
//!
//! | module | subject |
//! |---|---|
//! | `describer` | [`Shape`], and what its implementations call |
//! | `probe` | whether a type has a shape |
//! | `language` | types that the language has a syntax for |
//! | `library` | types of std |

mod describer;
mod language;
mod library;
mod probe;

pub use describer::{Describer, Found, Shape, shape_text};
pub use probe::ShapeProbe;
pub(crate) use probe::bytes_of;
