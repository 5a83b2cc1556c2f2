//! Groups: what is measured together, in one go. Their names are the keys of the samples, and headings in the report.

use std::fmt;

/// What compiles a crate of many items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Compile {
    Check,
    Release,
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// A work that a host knows by this name, in a process with a hundred items to touch.
    Work(&'static str),
    /// The same with a thousand.
    WorkOfThousand(&'static str),
    /// The first touch of so many statics.
    Reload(u32),
    /// Loading a plugin of so many items.
    Load(u32),
    /// What the values of so many items take on a thread.
    Memory(u32),
    /// What an item takes in a plugin, found by adding so many.
    Size(u32),
    /// Compiling a crate of so many items.
    Compile(Compile, u32),
    /// Building the library from nothing.
    CleanBuild,
}

impl Group {
    /// Whether its samples are times that were taken often.
    pub(crate) fn has_plots(self) -> bool {
        match self {
            Group::Work(name) | Group::WorkOfThousand(name) => !name.starts_with("two-threads"),
            Group::Reload(_) | Group::Load(_) => true,
            Group::Memory(_) | Group::Size(_) | Group::Compile(..) | Group::CleanBuild => false,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::Work(name) | Group::WorkOfThousand(name) => f.write_str(name),
            Group::Reload(items) => write!(f, "touch-lazy/plugin/{items}"),
            Group::Load(items) => write!(f, "load/{items}"),
            Group::Memory(items) => write!(f, "memory/{items}"),
            Group::Size(items) => write!(f, "size/{items}"),
            Group::Compile(Compile::Check, items) => write!(f, "compile/check/{items}"),
            Group::Compile(Compile::Release, items) => write!(f, "compile/release/{items}"),
            Group::CleanBuild => f.write_str("clean-build"),
        }
    }
}
