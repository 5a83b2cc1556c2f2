//! What the compiler was told about the crate that it compiles.
//!
//! A procedural macro runs in the compiler's process, and reads the arguments of this process. In another process, such
//! as rust-analyzer's, there are no such arguments, and the crate counts as one without a type.

#![forbid(unsafe_code)]

use std::fs;

/// The arguments that decide what a plugin's crate gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Compilation {
    /// The crate is compiled as a test harness, which is an executable.
    test: bool,
    crate_types: Vec<String>,
    /// Link-time optimization merges all crates into one module, in which a symbol can be defined only once.
    merges_modules: bool,
}

/// What a crate is compiled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// A cdylib and nothing else.
    Plugin,
    /// A cdylib, and a library that other crates may link as well.
    PluginAndLibrary,
    /// No cdylib.
    Other,
}

impl Compilation {
    /// The compilation of the crate whose macro is being expanded.
    pub(crate) fn current() -> Self {
        let arguments = std::env::args().skip(1).flat_map(|argument| match argument.strip_prefix('@') {
            // The file has one argument in each line.
            Some(path) => fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect(),
            None => vec![argument],
        });
        Self::read(arguments)
    }

    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self::default();
        while let Some(argument) = arguments.next() {
            if argument == "--test" {
                read.test = true;
            } else if argument == "--crate-type" {
                read.add_crate_types(&arguments.next().unwrap_or_default());
            } else if let Some(types) = argument.strip_prefix("--crate-type=") {
                read.add_crate_types(types);
            }
        }
        read
    }

    fn add_crate_types(&mut self, types: &str) {
        self.crate_types.extend(types.split(',').map(str::to_owned));
    }

    pub(crate) fn product(&self) -> Product {
        let has = |wanted: &str| self.crate_types.iter().any(|crate_type| crate_type == wanted);
        if self.test || !has("cdylib") {
            Product::Other
        } else if self.crate_types.iter().all(|crate_type| crate_type == "cdylib") {
            Product::Plugin
        } else {
            Product::PluginAndLibrary
        }
    }
}

#[cfg(test)]
impl Compilation {
    pub(crate) fn of(arguments: &[&str]) -> Self {
        Self::read(arguments.iter().map(|&argument| argument.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Compilation {
        Compilation::read(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_crate_types_tell_the_product() {
        for (arguments, product) in [
            ("--crate-name a src/lib.rs --crate-type cdylib --emit=link", Product::Plugin),
            ("--crate-type=cdylib -C opt-level=3", Product::Plugin),
            ("--crate-type cdylib --crate-type rlib", Product::PluginAndLibrary),
            ("--crate-type=rlib,cdylib", Product::PluginAndLibrary),
            ("--crate-type lib", Product::Other),
            ("--crate-type bin", Product::Other),
            ("--crate-type cdylib --test", Product::Other),
            ("", Product::Other),
        ] {
            assert_eq!(read(arguments).product(), product, "{arguments}");
        }
    }
}
