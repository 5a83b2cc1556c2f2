//! The items that most scenarios use.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

plugin_tls_abi_stable::thread_local! {
    /// A number per thread.
    pub static COUNTER: Cell<u64> = const { Cell::new(0) };

    /// An address as a number.
    pub static POINTER: Cell<usize> = const { Cell::new(0) };

    /// Texts per thread.
    pub static TAGS: RefCell<Vec<String>> = RefCell::default();

    /// A value that is not `Send` and has a destructor.
    pub static SHARED: Rc<Cell<u64>> = Rc::new(Cell::new(7));

    /// [`INITIALIZED`] counts the initializations.
    pub static ONCE: Cell<u64> = {
        INITIALIZED.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Cell::new(1)
    };
}

plugin_tls_abi_stable::lazy_static! {
    /// Every binary may add to this.
    pub static ref REGISTRY: Mutex<Vec<String>> = Mutex::default();

    /// How often [`ONCE`] was initialized.
    pub static ref INITIALIZED: AtomicU64 = AtomicU64::new(0);
}
