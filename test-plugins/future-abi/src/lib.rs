//! A plugin whose entry has a later major version of the binary contract.

/// The header, which all versions share, and fields that only the later version knows.
#[repr(C)]
#[derive(Debug)]
pub struct Entry {
    magic: u64,
    major: u16,
    minor: u16,
    size: u32,
    rest: [u64; 6],
}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the symbol's name")]
pub static plugin_tls_entry: Entry = Entry {
    magic: u64::from_le_bytes(*b"plug_tls"),
    major: 99,
    minor: 3,
    size: size_of::<Entry>() as u32,
    rest: [u64::MAX; 6],
};
