//! Groups of measurements that are taken together. Their names are keys of the samples and headings in the report.

use std::fmt;

use bench_plan::{ITEMS, Place, Timed, Work};

/// How a crate of many items is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Compile {
    Check,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// A work that `bench-host` times in one process.
    Timed(Timed),
    /// The first touch of this many statics.
    Reload(u32),
    /// Loading a plugin with this many items.
    Load(u32),
    /// The memory that the values of this many items take on a thread.
    Memory(u32),
    /// The size of an item in a plugin, found by adding this many items.
    Size(u32),
    /// Compiling a crate with this many items.
    Compile(Compile, u32),
    /// Building the library from nothing.
    CleanBuild,
}

impl Group {
    pub(crate) const fn timed(work: Work, place: Place) -> Self {
        Self::Timed(Timed::new(work, place))
    }

    pub(crate) const fn with_items(work: Work, place: Place, items: u32) -> Self {
        Self::Timed(Timed::with_items(work, place, items))
    }

    /// Whether the binaries must have a thousand items to touch.
    pub(crate) fn needs_thousand(self) -> bool {
        match self {
            Group::Timed(timed) => timed.items.is_some_and(|items| items > ITEMS),
            Group::Reload(items) | Group::Memory(items) => items > ITEMS,
            Group::Load(_) | Group::Size(_) | Group::Compile(..) | Group::CleanBuild => false,
        }
    }

    /// Whether the group has enough samples of times for a plot.
    pub(crate) fn has_plots(self) -> bool {
        match self {
            Group::Timed(timed) => timed.work != Work::ReadTogether,
            Group::Reload(_) | Group::Load(_) => true,
            Group::Memory(_) | Group::Size(_) | Group::Compile(..) | Group::CleanBuild => false,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Group::Timed(timed) => timed.fmt(f),
            Group::Reload(items) => Timed::with_items(Work::TouchLazy, Place::Plugin, items).fmt(f),
            Group::Load(items) => write!(f, "load/{items}"),
            Group::Memory(items) => write!(f, "memory/{items}"),
            Group::Size(items) => write!(f, "size/{items}"),
            Group::Compile(Compile::Check, items) => write!(f, "compile/check/{items}"),
            Group::Compile(Compile::Release, items) => write!(f, "compile/release/{items}"),
            Group::CleanBuild => f.write_str("clean-build"),
        }
    }
}
