//! What the system knows, one subject a file. On platforms where it does not tell, each function says what it returns.
//!
//! | module | subject |
//! |---|---|
//! | [`image`] | loaded images: the executable and libraries |
//! | [`thread`] | numbers and names of threads |
//! | [`key`] | thread-local keys of the C library |
//! | [`memory`] | copying memory that other threads may be writing |

pub mod image;
pub mod key;
pub mod memory;
pub mod thread;
