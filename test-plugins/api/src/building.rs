//! Initializers that use other items, that fail, or that count how often they run.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};
use std::thread;

use crate::outcome::{Operation, Outcome, address, done, message};

/// A function of a plugin, which an initializer of the host calls.
pub type Callback = extern "C" fn() -> u64;

/// A panic payload that is not text.
#[derive(Debug)]
pub struct Custom(pub u64);

plugin_tls_core::lazy_static! {
    /// The initializers of [`MIDDLE`] and [`BRIDGE`] call this function.
    pub static ref CALLBACK: Mutex<Option<Callback>> = Mutex::new(None);

    /// The last item in a chain of initializers that crosses binaries.
    pub static ref GROUND: u64 = 1;

    /// Calls [`CALLBACK`].
    pub static ref MIDDLE: u64 = call_back() * 10 + 3;

    /// If set, the initializers of [`LOOP_X`] and similar items use the item itself, and those of [`FRAGILE`] and
    /// similar items panic.
    pub static ref FAILING: AtomicBool = AtomicBool::new(false);

    /// The two items use each other if [`FAILING`] is set.
    pub static ref LOOP_STATIC_X: u64 = *LOOP_STATIC_Y + 1;
    pub static ref LOOP_STATIC_Y: u64 = if failing() { *LOOP_STATIC_X } else { 1 };

    /// Two threads meet here, each in an initializer.
    pub static ref MEETING: Barrier = Barrier::new(2);

    /// The two items use each other after two threads have started to build them.
    pub static ref CYCLE_X: u64 = {
        MEETING.wait();
        *CYCLE_Y + 1
    };
    pub static ref CYCLE_Y: u64 = {
        MEETING.wait();
        *CYCLE_X + 1
    };

    /// How often initializers have run, failed runs included.
    pub static ref ATTEMPTS: AtomicU64 = AtomicU64::new(0);

    /// Panics if [`FAILING`] is set.
    pub static ref FRAGILE_STATIC: u64 = fragile();

    /// Many threads build this item at once. [`ATTEMPTS`] counts the initializations.
    pub static ref RACE: u64 = {
        // Lets other threads access the item while it is being built.
        thread::yield_now();
        ATTEMPTS.fetch_add(1, SeqCst)
    };
}

plugin_tls_core::thread_local! {
    /// The two items use each other if [`FAILING`] is set.
    pub static LOOP_X: Cell<u64> = Cell::new(LOOP_Y.get() + 1);
    pub static LOOP_Y: Cell<u64> = Cell::new(if failing() { LOOP_X.get() } else { 1 });

    /// Calls [`CALLBACK`].
    pub static BRIDGE: Cell<u64> = Cell::new(call_back());

    /// Panics if [`FAILING`] is set.
    pub static FRAGILE: Cell<u64> = Cell::new(fragile());

    /// Panics with a payload that is not text.
    pub static PAYLOAD: Cell<u64> = panic_any(Custom(42));

    /// [`ATTEMPTS`] counts the initializations.
    pub static SET_FIRST: Cell<u64> = Cell::new(ATTEMPTS.fetch_add(1, SeqCst));
    pub static SET_FIRST_TEXT: RefCell<String> = RefCell::new(ATTEMPTS.fetch_add(1, SeqCst).to_string());
}

/// Calls the plugin's function from an initializer of the host.
fn call_back() -> u64 {
    // A statement of its own, so that the lock is released before the callback runs.
    let callback = *CALLBACK.lock().expect("not poisoned");
    callback.expect("a plugin has set the callback")()
}

/// Whether initializers are to fail.
pub fn failing() -> bool {
    FAILING.load(SeqCst)
}

/// An initializer that panics with the number of the attempt if [`FAILING`] is set, and otherwise returns that number.
pub fn fragile() -> u64 {
    let attempt = ATTEMPTS.fetch_add(1, SeqCst) + 1;
    assert!(!failing(), "fragile: attempt {attempt}");
    attempt
}

/// The number in the [`Custom`] payload of the panic in `access`. The message if the payload has another type.
pub fn payload(access: fn()) -> Outcome {
    match catch_unwind(access) {
        Ok(()) => Outcome::Unknown,
        Err(payload) => match payload.downcast::<Custom>() {
            Ok(custom) => custom.0.into(),
            Err(payload) => message(&*payload).into(),
        },
    }
}

/// Catches the panic in `access`, because panics must not unwind out of a callback, and returns its message.
pub fn caught(access: impl FnOnce()) -> String {
    catch_unwind(AssertUnwindSafe(access)).map_or_else(|payload| message(&*payload), |()| "no panic".to_owned())
}

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
