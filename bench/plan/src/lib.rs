//! The names that `cargo xtask bench` and the benchmarks' host share: of what is timed, of the labels of samples, and
//! of the libraries that are loaded.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The number of items that a binary has to touch if it is built without the feature `thousand`.
pub const ITEMS: u32 = 100;

/// The labels of samples. Within a group of samples, each label stands for one thing that was measured.
pub mod label {
    /// A call that does nothing, in the same binary as `OURS`.
    pub const EMPTY: &str = "empty";
    pub const STD: &str = "std";
    /// std in a library that does not link plugin_tls.
    pub const STD_ELSEWHERE: &str = "std elsewhere";
    /// plugin_tls of this workspace, with items that the host has too.
    pub const OURS: &str = "ours";
    /// plugin_tls of this workspace, with items that only the plugin has.
    pub const OURS_ALONE: &str = "ours alone";
    pub const PEER: &str = "plugin_tls 0.4.1";
    pub const LAZY_STATIC: &str = "lazy_static";
    pub const ONCE_CELL: &str = "once_cell";
    pub const RUBICON: &str = "rubicon";
    pub const RUBICON_EMPTY: &str = "rubicon, empty";
    /// rubicon without its check that the libraries are compatible.
    pub const UNCHECKED: &str = "rubicon unchecked";
    pub const UNCHECKED_EMPTY: &str = "rubicon unchecked, empty";

    pub const STD_ONE_THREAD: &str = "std, one thread";
    pub const STD_TWO_THREADS: &str = "std, two threads";
    pub const OURS_ONE_THREAD: &str = "ours, one thread";
    pub const OURS_TWO_THREADS: &str = "ours, two threads";

    /// A load by the system's loader alone.
    pub const DLOPEN: &str = "dlopen";
    /// The first load of a plugin in a process, per item.
    pub const FIRST: &str = "first";
    /// A later load of the same plugin, per item.
    pub const AGAIN: &str = "again";
    /// A load while another plugin with the same items is loaded, per item.
    pub const SHARED: &str = "shared";

    /// Bytes of a thread's row, per item of the benchmark.
    pub const ROW: &str = "row";
    /// Bytes of a thread's row, per thread-local item of the process.
    pub const ROW_BY_INDEX: &str = "row by index";

    /// Bytes of an item in a plugin's file. `OURS` and `STD` are the bytes that are mapped.
    pub const OURS_FILE: &str = "ours, file";
    pub const STD_FILE: &str = "std, file";

    /// The time of a clean build.
    pub const TIME: &str = "time";
    /// The number of packages in a clean build.
    pub const PACKAGES: &str = "packages";
}

/// The file names that the libraries get once they are built.
pub mod library {
    pub const PLUGIN: &str = "plugin.so";
    pub const ITEMS: &str = "items.so";
    pub const RUBICON_EXPORT: &str = "export.so";
    pub const RUBICON_IMPORT: &str = "import.so";
    pub const RUBICON_UNCHECKED: &str = "unchecked.so";
}

/// What is done and timed.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Reads a thread-local that is initialized at compile time and has no destructor, in an out-of-line call.
    Read,
    /// Reads a thread-local that has a destructor, in an out-of-line call.
    ReadDrop,
    /// Does [`Work::Read`] on several threads at once.
    ReadTogether,
    /// Reads a thread-local in a loop, in place.
    ReadLoop,
    /// Increments a thread-local in a loop, in place. Each iteration depends on what the previous one stored.
    CountLoop,
    /// Reads a lazily initialized static, in an out-of-line call.
    Lazy,
    /// Touches thread-locals with destructors for the first time on a thread. Starting the thread is not timed.
    Touch,
    /// Touches lazily initialized statics. Only the first request initializes them.
    TouchLazy,
    /// Starts a thread that touches thread-locals with destructors, and waits until it has ended.
    Spawn,
}

impl Work {
    const ALL: [Work; 9] = [
        Work::Read,
        Work::ReadDrop,
        Work::ReadTogether,
        Work::ReadLoop,
        Work::CountLoop,
        Work::Lazy,
        Work::Touch,
        Work::TouchLazy,
        Work::Spawn,
    ];

    const fn name(self) -> &'static str {
        match self {
            Work::Read => "read",
            Work::ReadDrop => "read-drop",
            Work::ReadTogether => "two-threads",
            Work::ReadLoop => "read-loop",
            Work::CountLoop => "count-loop",
            Work::Lazy => "lazy",
            Work::Touch => "touch",
            Work::TouchLazy => "touch-lazy",
            Work::Spawn => "spawn",
        }
    }

    /// Whether the work touches a number of items, on threads of its own.
    #[must_use]
    pub const fn touches_on_threads(self) -> bool {
        matches!(self, Work::Touch | Work::Spawn)
    }
}

/// Where a work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Host,
    Plugin,
    /// In the plugin, which accesses thread-locals as it does on a platform without a constant distance from the thread
    /// pointer to them.
    Fallback,
}

impl Place {
    const ALL: [Place; 3] = [Place::Host, Place::Plugin, Place::Fallback];

    const fn name(self) -> &'static str {
        match self {
            Place::Host => "host",
            Place::Plugin => "plugin",
            Place::Fallback => "fallback",
        }
    }
}

/// A work that several subjects do in turn. Its text is `WORK/PLACE`, or `WORK/PLACE/ITEMS` if it touches items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timed {
    pub work: Work,
    pub place: Place,
    /// How many items a thread touches. `None` if the work is not about a number of items.
    pub items: Option<u32>,
}

impl Timed {
    #[must_use]
    pub const fn new(work: Work, place: Place) -> Self {
        Self { work, place, items: None }
    }

    #[must_use]
    pub const fn with_items(work: Work, place: Place, items: u32) -> Self {
        Self { work, place, items: Some(items) }
    }
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.work.name(), self.place.name())?;
        match self.items {
            None => Ok(()),
            Some(items) => write!(f, "/{items}"),
        }
    }
}

impl FromStr for Timed {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let parse = || {
            let mut parts = text.split('/');
            let (work, place) = (parts.next()?, parts.next()?);
            let timed = Self {
                work: Work::ALL.into_iter().find(|known| known.name() == work)?,
                place: Place::ALL.into_iter().find(|known| known.name() == place)?,
                items: parts.next().map(str::parse).transpose().ok()?,
            };
            parts.next().is_none().then_some(timed)
        };
        parse().ok_or(UnknownName)
    }
}

/// The error of [`Timed::from_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownName;

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected WORK/PLACE or WORK/PLACE/ITEMS, such as read/plugin or touch/host/100")
    }
}

impl Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_back() {
        for work in Work::ALL {
            for place in Place::ALL {
                for timed in [Timed::new(work, place), Timed::with_items(work, place, 100)] {
                    assert_eq!(timed.to_string().parse(), Ok(timed));
                }
            }
        }
        assert_eq!(Timed::with_items(Work::Touch, Place::Host, 10).to_string(), "touch/host/10");
    }

    #[test]
    fn other_names_are_refused() {
        for text in ["", "read", "read/", "write/host", "read/moon", "touch/host/many", "touch/host/1/1"] {
            assert_eq!(text.parse::<Timed>(), Err(UnknownName), "{text}");
        }
    }
}
