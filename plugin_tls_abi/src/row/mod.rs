//! The hot path: from an item's word to the calling thread's value.
//!
//! Each thread has a slot for each thread-local item that any thread has used. A slot holds the address of the value, or
//! null. The first slots are thread-locals of the host itself; the others are in the thread's row, `{ size, slots }`. The
//! word of an item's copy says where the slot is:
//!
//! | word | the item's slot |
//! |---|---|
//! | even | is at this distance from the thread pointer |
//! | odd: `p * index + 1`, `p` being the size of a pointer | is slot `index` of the row |
//! | `usize::MAX` | is not known: no thread has used the item, or the copy is not registered |
//!
//! Distances are known where the host is the executable on Linux (x86_64, aarch64). Elsewhere all slots are in the row.
//!
//! A slot that is null, or beyond the row, leads to the store: the value is not there, the thread is fresh, or its row is
//! too short. Only its own thread reads or writes a slot.
//!
//! | module | subject |
//! |---|---|
//! | `slot` | slots, and a thread's row in memory |
//! | `word` | words are made and taken apart |
//! | `read` | the read itself |
//! | `thread_pointer` | memory at a distance from the thread pointer |
//! | `finder` | how this binary finds the calling thread's row |

mod finder;
mod read;
mod slot;
pub mod thread_pointer;
mod word;

pub use finder::{connect, disconnect};
pub use read::value;
pub use slot::{Row, Slot};
pub use word::Word;
