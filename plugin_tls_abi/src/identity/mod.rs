//! What makes two declarations, in two binaries, the same item.
//!
//! | module | subject |
//! |---|---|
//! | `declaration` | what a declaration says: the item's [`Identity`], and where it stands |
//! | `key` | the [`Key`] of an identity: a hash to find candidates with |
//! | `fingerprint` | the [`Fingerprint`] of a crate's build |

mod declaration;
mod fingerprint;
mod key;

pub use declaration::{ALONE, Declaration, Identity, Reader};
pub use fingerprint::Fingerprint;
pub use key::{ByKey, Fields, Key, KeyHasher};
