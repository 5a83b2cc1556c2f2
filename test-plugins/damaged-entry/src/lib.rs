//! A library whose `plugin_tls_entry` is something else: its magic number is wrong.
//!
//! Whoever opens the library may write to the entry, and so damage it in other ways.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicUsize};

/// Shaped like the entry of the contract's version 1.
#[repr(C)]
#[derive(Debug)]
pub struct Entry {
    magic: AtomicU64,
    major: AtomicU16,
    minor: AtomicU16,
    size: AtomicU32,
    connect: AtomicUsize,
    disconnect: AtomicUsize,
}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the symbol's name")]
pub static plugin_tls_entry: Entry = Entry {
    magic: AtomicU64::new(0x0123_4567_89ab_cdef),
    major: AtomicU16::new(1),
    minor: AtomicU16::new(0),
    size: AtomicU32::new(size_of::<Entry>() as u32),
    // Not null, and not called: something else is wrong with the entry.
    connect: AtomicUsize::new(1),
    disconnect: AtomicUsize::new(1),
};
