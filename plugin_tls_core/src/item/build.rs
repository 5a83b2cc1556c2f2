//! The builds of the crates that declare items of this binary, in words.
//!
//! Each item has the fingerprint of its crate's build. Once in a crate, the macros also state what the fingerprint is the
//! hash of, so that a report can say how two builds differ.

use std::ptr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicPtr};

use plugin_tls_abi::text::{Sink, Str};

use crate::list::{Linked, List};

/// What the macros know of the build of a crate.
#[derive(Debug)]
pub struct BuildOfCrate {
    fingerprint: &'static str,
    text: &'static str,
    stated: AtomicBool,
    /// The next one in the binary's list.
    next: AtomicPtr<BuildOfCrate>,
}

impl Linked for BuildOfCrate {
    fn next(&self) -> &AtomicPtr<Self> {
        &self.next
    }
}

/// The builds of the binary's crates.
static BUILDS: List<BuildOfCrate> = List::new();

impl BuildOfCrate {
    /// The build with this fingerprint, which is the hash of `text`.
    #[must_use]
    pub const fn new(fingerprint: &'static str, text: &'static str) -> Self {
        BuildOfCrate { fingerprint, text, stated: AtomicBool::new(false), next: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Adds the build to the binary's list. Nothing happens the second time.
    pub fn state(&'static self) {
        // Relaxed: only the one that sets it goes on.
        if !self.stated.swap(true, Relaxed) {
            BUILDS.add(self);
        }
    }
}

/// The text of the build with this fingerprint.
fn find(fingerprint: &str) -> Option<&'static str> {
    BUILDS.iter().find(|build| build.fingerprint == fingerprint).map(|build| build.text)
}

/// Writes the text of the build with this fingerprint, if this binary knows it: see
/// [`DescribeBuild`](plugin_tls_abi::table::DescribeBuild).
///
/// # Safety
///
/// - The fingerprint is text that is alive for the call.
/// - `report` is a usable sink.
pub(crate) unsafe extern "C" fn describe_build(fingerprint: Str, report: *const Sink) {
    // SAFETY: the caller guarantees that the text is alive for the call.
    if let Some(text) = find(unsafe { fingerprint.get() }) {
        // SAFETY: the caller guarantees that the sink is usable.
        unsafe { (*report).write(text) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_found_by_its_fingerprint() {
        static FIRST: BuildOfCrate = BuildOfCrate::new("f1", "package one 1.0.0");
        static SECOND: BuildOfCrate = BuildOfCrate::new("f2", "package two 2.0.0");
        for build in [&FIRST, &SECOND, &FIRST] {
            build.state();
        }
        let described = |fingerprint: &str| {
            let mut text = String::new();
            // SAFETY: the fingerprint is alive for the call, and so is the sink's string.
            unsafe { describe_build(Str::new(fingerprint), &Sink::new(&mut text)) };
            text
        };
        assert_eq!(described("f1"), "package one 1.0.0");
        assert_eq!(described("f2"), "package two 2.0.0");
        assert_eq!(described("f3"), "");
    }
}
