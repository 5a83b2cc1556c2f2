//! What makes two declarations, in two binaries, the same item.
//!
//! | module | subject |
//! |---|---|
//! | `declaration` | what a declaration says: the item's [`Identity`], and where it stands |
//! | `key` | the [`Key`] of an identity: a hash to find candidates with |

mod declaration;
mod key;

pub use declaration::{Declaration, Fields, Identity};
pub use key::{ByKey, Key, KeyHasher};
