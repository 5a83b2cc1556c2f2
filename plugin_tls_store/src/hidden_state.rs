//! Types whose values rely on statics of their crate.
//!
//! A `parking_lot::Mutex` that is locked puts a thread that waits for it into a table, which is a static of
//! `parking_lot_core`. Each binary that links the crate has such a table, so a binary that unlocks the mutex does not find a
//! thread that waits in another. The type is the same in both binaries; it is the value that does not work in both.
//!
//! Only the names of types are known here. A struct of another crate that has such a type in a field is not found by its
//! own name; whoever knows the fields must ask for their types.

#![forbid(unsafe_code)]

mod table;

pub use table::HiddenState;
use table::{ROWS, Row};

/// A type, and the state that its values rely on.
///
/// ```
/// use plugin_tls_store::hidden_state::relied_on;
///
/// let name = std::any::type_name::<Option<std::io::Stdout>>();
/// assert_eq!(relied_on(name).next().unwrap().path, "std::io::stdio::Stdout");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Reliance<'a> {
    /// The type's path: a part of the name that was searched.
    pub path: &'a str,
    /// What its values rely on.
    pub state: &'static HiddenState,
}

/// Finds all types in `type_name` whose values rely on statics of a crate.
///
/// The name is one that [`type_name`](std::any::type_name) prints. The types are found wherever they are in it: as
/// arguments of others, in tuples, behind references, as arguments of functions.
///
/// ```
/// use plugin_tls_store::hidden_state::relied_on;
///
/// let name = "alloc::vec::Vec<(u8, thread_local::ThreadLocal<arc_swap::ArcSwapAny<alloc::sync::Arc<u8>>>)>";
/// let crates: Vec<_> = relied_on(name).map(|reliance| reliance.state.krate).collect();
/// assert_eq!(crates, ["thread_local", "arc_swap"]);
/// assert!(relied_on("alloc::vec::Vec<u8>").next().is_none());
/// ```
pub fn relied_on(type_name: &str) -> impl Iterator<Item = Reliance<'_>> {
    paths(type_name).filter_map(reliance)
}

/// All states of the table, in no order. A state is listed once for each of the paths that rely on it.
///
/// ```
/// use plugin_tls_store::hidden_state::all;
///
/// let (path, state) = all().find(|(path, _)| *path == "arc_swap::").unwrap();
/// assert_eq!((path, state.krate), ("arc_swap::", "arc_swap"));
/// ```
pub fn all() -> impl Iterator<Item = (&'static str, &'static HiddenState)> {
    ROWS.iter().map(|row| (row.path, row.state))
}

/// The paths in `name` that have more than one segment. Each goes on to the end of the name.
///
/// It reads bytes, because most items of a binary come by here when it is loaded.
fn paths(name: &str) -> impl Iterator<Item = &str> {
    let bytes = name.as_bytes();
    let mut at = 0;
    let skip = move |mut at: usize, kinds: u8| {
        while bytes.get(at).is_some_and(|byte| KINDS[usize::from(*byte)] & kinds != 0) {
            at += 1;
        }
        at
    };
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = skip(at, BETWEEN);
            let end = skip(start, IDENTIFIER);
            // To the end of the path. What begins with a separator is the rest of a path as well: `<T as Trait>::Type`.
            at = skip(end, IDENTIFIER | COLON);
            if start < end && bytes[end..].starts_with(b"::") {
                return Some(&name[start..]);
            }
        }
        None
    })
}

const IDENTIFIER: u8 = 1;
const COLON: u8 = 2;
const BETWEEN: u8 = 4;

/// What each byte is part of. Identifiers may have other letters than ASCII's; nothing else in a type's name has.
static KINDS: [u8; 256] = {
    let mut kinds = [BETWEEN; 256];
    let mut byte: u8 = 0;
    loop {
        if byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii() {
            kinds[byte as usize] = IDENTIFIER;
        } else if byte == b':' {
            kinds[byte as usize] = COLON;
        }
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

fn is_in_identifier(byte: u8) -> bool {
    KINDS[usize::from(byte)] == IDENTIFIER
}

/// What the type relies on whose path `rest` begins with.
fn reliance(rest: &str) -> Option<Reliance<'_>> {
    if rest.starts_with("core::") || rest.starts_with("alloc::") {
        return None;
    }
    // If a row's path begins `rest`, so do the paths of all rows between it and `rest` begin with that path. Of two such
    // rows, as `Stdout` and `StdoutLock`, what follows an identifier decides, and it is less than any letter.
    let row = &ROWS[ROWS.partition_point(|row| row.path <= rest).checked_sub(1)?];
    if !is_of(rest, row) {
        return None;
    }
    let end = rest.bytes().position(|byte| !is_in_identifier(byte) && byte != b':').unwrap_or(rest.len());
    Some(Reliance { path: rest[..end].trim_end_matches(':'), state: row.state })
}

fn is_of(rest: &str, row: &Row) -> bool {
    rest.strip_prefix(row.path).is_some_and(|after| {
        (row.path.ends_with("::") || !after.bytes().next().is_some_and(is_in_identifier))
            && !row.except.iter().any(|harmless| after.starts_with(harmless))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(type_name: &str) -> Vec<&str> {
        relied_on(type_name).map(|reliance| reliance.path).collect()
    }

    #[test]
    fn the_rows_are_sorted() {
        assert!(ROWS.is_sorted_by(|one, next| one.path < next.path));
    }

    #[test]
    fn every_row_is_found() {
        for Row { path, .. } in ROWS {
            let (found_with, not_with): (&[_], &[_]) = match path.ends_with("::") {
                true => (&["Type", "Type<u8>", "inner::Type"], &[]),
                false => (&["", "<[u8; 64]>", ">", ", u8)", "::Inner"], &["s", "_", "2", "ä"]),
            };
            for (after, count) in
                found_with.iter().map(|after| (after, 1)).chain(not_with.iter().map(|after| (after, 0)))
            {
                let name = format!("{path}{after}");
                assert_eq!(relied_on(&name).count(), count, "{name}");
            }
        }
    }

    #[test]
    fn the_rows_are_complete() {
        for Row { path, state, .. } in ROWS {
            assert!(path.contains("::"), "{path} begins with a crate");
            let HiddenState { krate, read, statics, seen, instead } = state;
            assert!(!krate.contains('-'), "{krate} is a name as in a path");
            for text in [read, statics, seen, instead] {
                assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{path}: {text:?}");
            }
        }
    }

    #[test]
    fn types_are_found_anywhere_in_a_name() {
        const MUTEX: &str = "parking_lot::raw_mutex::RawMutex";
        for around in [
            "?",
            "lock_api::mutex::Mutex<?, u8>",
            "(u8, ?)",
            "[?; 3]",
            "[?]",
            "&?",
            "&mut ?",
            "*const ?",
            "&'_ ?",
            "dyn core::ops::function::Fn(?) -> u8",
            "fn(u8) -> ?",
            "fn(u8,?)",
            "unsafe extern \"C\" fn(*mut ?)",
            "alloc::boxed::Box<dyn core::iter::traits::iterator::Iterator<Item = ?>>",
            "dyn api::Trait<?> + core::marker::Send",
        ] {
            assert_eq!(found(&around.replace('?', MUTEX)), [MUTEX], "{around}");
        }
        assert_eq!(found("(ustr::Ustr, arc_swap::ArcSwapAny<ustr::Ustr>)").len(), 3);
    }

    #[test]
    fn paths_that_only_look_alike_are_not_found() {
        for name in [
            "my_parking_lot::Mutex",
            "api::parking_lot::Mutex",
            "<u8 as api::Trait>::parking_lot::Mutex",
            "abi_stable::external_types::parking_lot::mutex::RMutex<u8>",
            "parking_lots::Mutex",
            "ünparking_lot::Mutex",
            "parking_lot",
            "parking_lot<u8>",
            "lock_api::mutex::Mutex<spin::mutex::Mutex<()>, u8>",
            "core::sync::atomic::Atomic<[u8; 64]>",
            "crossbeam_epoch::atomic::AtomicThing",
            "crossbeam_epoch::collector::Collector",
            "std::io::stdio::Stdin",
            "std::thread::id::ThreadId",
            "",
            "::",
            "a::",
        ] {
            assert!(found(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_a_processor_writes_at_once_is_harmless() {
        let cell = |argument| format!("crossbeam_utils::atomic::atomic_cell::AtomicCell<{argument}>");
        for (argument, count) in [("u32", 1), ("usize", 0), ("[u64; 4]", 1), ("u128", 1), ("u8", 0)] {
            let count = if argument == "u32" { usize::from(cfg!(not(target_pointer_width = "64"))) } else { count };
            assert_eq!(found(&cell(argument)).len(), count, "{argument}");
        }
    }
}
