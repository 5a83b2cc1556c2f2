//! An item's copy in this binary.
//!
//! | module | subject |
//! |---|---|
//! | `text` | the macros' text about an item |
//! | `raw` | the static that the macros emit, and the binary's list of them |
//! | `glue` | building and dropping values of one type |
//! | `probe` | what only the place of the declaration knows |
//! | `build` | the builds of the crates that declare items, in words |

mod build;
mod glue;
mod probe;
mod raw;
mod text;

pub use build::BuildOfCrate;
pub(crate) use build::describe_build;
pub(crate) use glue::{Attempt, initialize};
pub use probe::{Probe, describe, shape_of};
pub(crate) use raw::all;
pub use raw::{Item, Layout, LocalItem, NoLayout, RawItem, StaticItem};
