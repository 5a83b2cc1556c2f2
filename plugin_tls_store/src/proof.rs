//! What proves that two copies of an item have the same type.

#![forbid(unsafe_code)]

use std::fmt;

/// Why two copies of an item are held to have the same type.
///
/// ```
/// assert_eq!(plugin_tls_store::proof::SharingProof::Build.to_string(), "build");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SharingProof {
    /// One compiler has built both, from equal builds of the crate that declares the item.
    Build,
    /// Their `abi_stable` layouts are compatible in both directions.
    Layout,
    /// One compiler has built both, and their shapes are equal.
    Shape,
    /// One compiler has built both, and the type consists of std's types.
    Std,
    /// The host has accepted a type of the same name: see `LoadOptions::accept_unproven`.
    SameName,
    /// The host vouches for the type: see `LoadOptions::trust_types`.
    Trusted,
}

impl fmt::Display for SharingProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SharingProof::Build => "build",
            SharingProof::Layout => "layout",
            SharingProof::Shape => "shape",
            SharingProof::Std => "types of std",
            SharingProof::SameName => "same name (accepted)",
            SharingProof::Trusted => "trusted",
        })
    }
}
