//! What the system knows, one subject a file. On platforms where it does not tell, each function says what it returns.
//!
//! | module | subject |
//! |---|---|
//! | [`image`] | loaded images: the executable and libraries |
//! | [`note`] | the notes by which images with a store are found |
//! | [`clock`] | the system's monotonic clock |
//! | [`malloc`] | what the C library's allocator knows of itself |
//! | [`thread`] | numbers and names of threads |
//! | [`key`] | thread-local keys of the C library |
//! | [`memory`] | copying memory that other threads may be writing |

pub mod clock;
pub mod image;
pub mod key;
pub mod malloc;
pub mod memory;
pub mod note;
pub mod thread;
