//! A library whose `plugin_tls_entry` has a wrong magic number.
//!
//! The entry is writable, so that a scenario can open the library and damage the entry in other ways.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicUsize};

/// Has the layout of the entry in version 1 of the contract.
#[repr(C)]
#[derive(Debug)]
pub struct Entry {
    magic: AtomicU64,
    major: AtomicU16,
    minor: AtomicU16,
    size: AtomicU32,
    connect: AtomicUsize,
    disconnect: AtomicUsize,
    takes_over: AtomicU64,
}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the symbol's name")]
pub static plugin_tls_entry: Entry = Entry {
    magic: AtomicU64::new(0x0123_4567_89ab_cdef),
    major: AtomicU16::new(1),
    minor: AtomicU16::new(0),
    size: AtomicU32::new(size_of::<Entry>() as u32),
    // Not null, so that a scenario can damage one field at a time. The host never calls them.
    connect: AtomicUsize::new(1),
    disconnect: AtomicUsize::new(1),
    takes_over: AtomicU64::new(0),
};
