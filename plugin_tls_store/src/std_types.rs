//! Which types are made of std's types alone.
//!
//! A `TypeId` covers the crates that a type's definition comes from by name and version, but not by their sources. For the
//! types of std the compiler stands for the sources.

#![forbid(unsafe_code)]

/// Whether a type with this name, as the compiler prints it, consists of std's types and of primitive types. A crate named
/// like one of std's prints alike; the caller knows whether there is one.
pub(crate) fn is_of_std(type_name: &str) -> bool {
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    let mut rest = type_name;
    while let Some(start) = rest.find(|c: char| is_part(c) || c == '\'' || c == '{' || c == '"') {
        rest = &rest[start..];
        if let Some(after_quote) = rest.strip_prefix('\'') {
            // A lifetime, or a character, which ends in another quote.
            let word = after_quote.find(|c| !is_part(c)).unwrap_or(after_quote.len());
            let after = &after_quote[word..];
            if word != 1 && after.starts_with('\'') || word == 0 {
                return false;
            }
            rest = after.strip_prefix('\'').unwrap_or(after);
            continue;
        }
        if let Some(abi) = rest.strip_prefix('"') {
            // The text of `extern "C"`.
            let Some((_, after)) = abi.split_once('"') else { return false };
            rest = after;
            continue;
        }
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let known = match after.strip_prefix("::") {
            Some(_) => matches!(word, "core" | "alloc" | "std"),
            None => {
                is_primitive(word)
                    // A value of a constant parameter.
                    || word.starts_with(|c: char| c.is_ascii_digit())
                    // The name of an associated type: `dyn Iterator<Item = u8>`.
                    || after.starts_with(" =")
            }
        };
        if !known {
            return false;
        }
        rest = after;
        // The rest of a path.
        while let Some(after) = rest.strip_prefix("::") {
            let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
            if end == 0 {
                break;
            }
            rest = &after[end..];
        }
    }
    true
}

/// Primitive types, and the words that types are written with.
fn is_primitive(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f16", "f32", "f64", "f128", "dyn", "fn", "for", "mut", "const", "unsafe", "extern", "true", "false", "_",
    ];
    WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use std::any::type_name;
    use std::cell::{Cell, RefCell};
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Own;

    struct Generic<const N: usize>;

    #[test]
    fn types_of_std_are_told_from_others() {
        for name in [
            type_name::<u8>(),
            type_name::<()>(),
            type_name::<Cell<[u32; 16]>>(),
            type_name::<Mutex<Vec<fn(&str) -> String>>>(),
            type_name::<RefCell<Option<Box<dyn Fn(&mut [u8], &str) -> Result<(), std::fmt::Error> + Send + Sync>>>>(),
            type_name::<Arc<dyn Iterator<Item = (i8, *const f64)>>>(),
            type_name::<unsafe extern "C" fn(*mut u8) -> !>(),
            type_name::<HashMap<&'static str, Box<dyn std::any::Any>>>(),
            "for<'a> fn(&'a str) -> &'a [u8]",
        ] {
            assert!(is_of_std(name), "{name}");
        }
        let closure = || {};
        for name in [
            type_name::<Own>(),
            type_name::<Vec<Own>>(),
            type_name::<Generic<3>>(),
            type_name::<fn(&Own)>(),
            type_name::<HashMap<u8, Option<Box<dyn Fn() -> Own>>>>(),
            std::any::type_name_of_val(&closure),
            "mystd::vec::Vec<u8>",
            "a::core::Cell",
            "<own::A as core::any::Any>::B",
            "alloc::vec::Vec<Name>",
            "core::x<'ab'>",
        ] {
            assert!(!is_of_std(name), "{name}");
        }
    }
}
