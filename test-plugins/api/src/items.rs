//! The items, and the types that tell what happens to their values.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

plugin_tls_core::thread_local! {
    /// A number for each thread.
    pub static COUNTER: Cell<u64> = const { Cell::new(0) };

    /// An address, as a number.
    pub static POINTER: Cell<usize> = const { Cell::new(0) };

    /// Texts for each thread.
    pub static TAGS: RefCell<Vec<String>> = RefCell::default();

    /// Not `Send`, with a destructor.
    pub static SHARED: Rc<Cell<u64>> = Rc::new(Cell::new(7));

    /// How it was built is counted by [`INITIALIZED`].
    pub static ONCE: Cell<u64> = {
        INITIALIZED.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Cell::new(1)
    };
}

plugin_tls_core::lazy_static! {
    /// What every binary may register.
    pub static ref REGISTRY: Mutex<Vec<String>> = Mutex::default();

    /// How often [`ONCE`] was built.
    pub static ref INITIALIZED: AtomicU64 = AtomicU64::new(0);
}
