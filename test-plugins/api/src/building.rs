//! Initializers: that need other items, that fail, that count how often they run.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};
use std::thread;

use crate::operations::{address, done};
use crate::probe::{Operation, Outcome, message};

/// What an initializer of the host calls: a function of a plugin.
pub type Callback = extern "C" fn() -> u64;

/// A panic payload that is not text.
#[derive(Debug)]
pub struct Custom(pub u64);

plugin_tls_core::lazy_static! {
    /// Called by [`MIDDLE`] and [`BRIDGE`].
    pub static ref CALLBACK: Mutex<Option<Callback>> = Mutex::new(None);

    /// The deepest of the items that need each other across binaries.
    pub static ref GROUND: u64 = 1;

    /// Needs whatever [`CALLBACK`] needs.
    pub static ref MIDDLE: u64 = call_back() * 10 + 3;

    /// Whether [`LOOP_X`] and its like need themselves, and [`FRAGILE`] and its like panic.
    pub static ref FAILING: AtomicBool = AtomicBool::new(false);

    /// Need each other while [`FAILING`].
    pub static ref LOOP_STATIC_X: u64 = *LOOP_STATIC_Y + 1;
    pub static ref LOOP_STATIC_Y: u64 = if failing() { *LOOP_STATIC_X } else { 1 };

    /// Lets two threads be within an initializer at the same time.
    pub static ref MEETING: Barrier = Barrier::new(2);

    /// Need each other, as soon as two threads build them.
    pub static ref CYCLE_X: u64 = {
        MEETING.wait();
        *CYCLE_Y + 1
    };
    pub static ref CYCLE_Y: u64 = {
        MEETING.wait();
        *CYCLE_X + 1
    };

    /// How often an initializer has been tried.
    pub static ref ATTEMPTS: AtomicU64 = AtomicU64::new(0);

    /// Panics while [`FAILING`].
    pub static ref FRAGILE_STATIC: u64 = fragile();

    /// Built by many threads at once, and counted in [`ATTEMPTS`].
    pub static ref RACE: u64 = {
        // Others come while it is being built.
        thread::yield_now();
        ATTEMPTS.fetch_add(1, SeqCst)
    };
}

plugin_tls_core::thread_local! {
    /// Need each other while [`FAILING`].
    pub static LOOP_X: Cell<u64> = Cell::new(LOOP_Y.get() + 1);
    pub static LOOP_Y: Cell<u64> = Cell::new(if failing() { LOOP_X.get() } else { 1 });

    /// Needs whatever [`CALLBACK`] needs.
    pub static BRIDGE: Cell<u64> = Cell::new(call_back());

    /// Panics while [`FAILING`].
    pub static FRAGILE: Cell<u64> = Cell::new(fragile());

    /// Panics with a payload that is not text.
    pub static PAYLOAD: Cell<u64> = panic_any(Custom(42));

    /// Counted in [`ATTEMPTS`].
    pub static SET_FIRST: Cell<u64> = Cell::new(ATTEMPTS.fetch_add(1, SeqCst));
    pub static SET_FIRST_TEXT: RefCell<String> = RefCell::new(ATTEMPTS.fetch_add(1, SeqCst).to_string());
}

/// The host's side of a way through several binaries.
fn call_back() -> u64 {
    // Its own statement: the lock must be free while the callback runs.
    let callback = *CALLBACK.lock().expect("not poisoned");
    callback.expect("a plugin has set the callback")()
}

/// Whether initializers shall fail.
pub fn failing() -> bool {
    FAILING.load(SeqCst)
}

/// An initializer that panics while [`FAILING`], and tells which attempt it was.
pub fn fragile() -> u64 {
    let attempt = ATTEMPTS.fetch_add(1, SeqCst) + 1;
    assert!(!failing(), "fragile: attempt {attempt}");
    attempt
}

/// The number of a [`Custom`] payload that `access` panicked with, or else the panic's message.
pub fn payload(access: fn()) -> Outcome {
    match catch_unwind(access) {
        Ok(()) => Outcome::Unknown,
        Err(payload) => match payload.downcast::<Custom>() {
            Ok(custom) => custom.0.into(),
            Err(payload) => message(&*payload).into(),
        },
    }
}

/// The message of the panic in `access`, which must not leave a callback.
pub fn caught(access: impl FnOnce()) -> String {
    catch_unwind(AssertUnwindSafe(access)).map_or_else(|payload| message(&*payload), |()| "no panic".to_owned())
}

/// By name.
pub const OPERATIONS: &[Operation] = &[
    ("failing", |n| done(|| FAILING.store(n != 0, SeqCst))),
    ("attempts", |_| ATTEMPTS.load(SeqCst).into()),
    ("loop_x", |_| LOOP_X.get().into()),
    ("loop_y", |_| LOOP_Y.get().into()),
    ("loop_static_x", |_| (*LOOP_STATIC_X).into()),
    ("loop_static_y", |_| (*LOOP_STATIC_Y).into()),
    ("cycle_x", |_| (*CYCLE_X).into()),
    ("cycle_y", |_| (*CYCLE_Y).into()),
    ("fragile", |_| FRAGILE.get().into()),
    ("fragile_static", |_| (*FRAGILE_STATIC).into()),
    ("payload", |_| payload(|| PAYLOAD.set(PAYLOAD.get()))),
    ("set_first", |n| done(|| SET_FIRST.set(n))),
    ("set_first_value", |_| SET_FIRST.get().into()),
    ("set_first_text", |n| done(|| SET_FIRST_TEXT.set(format!("text {n}")))),
    ("set_first_text_value", |_| SET_FIRST_TEXT.with_borrow(String::clone).into()),
    ("race_address", |_| address(&*RACE)),
];
