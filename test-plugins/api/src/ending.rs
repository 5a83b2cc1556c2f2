//! Items whose destructors log what they do at the end of a thread.

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::Mutex;

use crate::building::caught;
use crate::items::COUNTER;
use crate::outcome::{Operation, done};

plugin_tls_core::lazy_static! {
    /// What the destructors did, in order.
    pub static ref LOG: Mutex<Vec<String>> = Mutex::default();
}

/// Appends a line to the log.
pub fn log(what: impl Into<String>) {
    LOG.lock().expect("not poisoned").push(what.into());
}

/// Logs the outcome of an access to `what`.
pub fn log_access<E: Debug>(what: &str, outcome: Result<(), E>) {
    match outcome {
        Ok(()) => log(format!("{what} is there")),
        Err(error) => log(format!("{what}: {error:?}")),
    }
}

/// Logs that it is dropped.
#[derive(Debug)]
pub struct Logged(pub &'static str);

impl Drop for Logged {
    fn drop(&mut self) {
        log(format!("{} dropped", self.0));
    }
}

/// Its destructor accesses other items and then calls a function.
#[derive(Debug)]
pub struct Curious(pub fn());

impl Drop for Curious {
    fn drop(&mut self) {
        log_access("earlier", EARLIER.try_with(|_| ()));
        log_access("later", LATER.try_with(|_| ()));
        log_access("fresh", FRESH.try_with(|_| ()));
        log(format!("plain is {}", PLAIN.get()));
        (self.0)();
    }
}

/// Panics when it is dropped.
#[derive(Debug)]
pub struct Bomb(Cell<u64>);

impl Bomb {
    #[allow(clippy::new_without_default, reason = "a value that panics on drop is no sensible default")]
    pub const fn new() -> Self {
        Bomb(Cell::new(0))
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb went off");
    }
}

plugin_tls_core::thread_local! {
    pub static EARLIER: Logged = Logged("earlier");
    pub static LATER: Logged = Logged("later");
    pub static FRESH: Logged = Logged("fresh");
    /// Has no destructor.
    pub static PLAIN: Cell<u64> = const { Cell::new(0) };
    pub static CURIOUS: Curious = Curious(|| log_access("curious itself", CURIOUS.try_with(|_| ())));
    pub static BOMB: Bomb = const { Bomb::new() };
}

/// The value of one of std's thread-locals, of which each binary has a copy. Its destructor accesses shared items.
struct Witness(&'static str);

impl Drop for Witness {
    fn drop(&mut self) {
        let who = self.0;
        log(format!("{who}: {:?}", EARLIER.try_with(|_| ())));
        log(format!("{who}: {:?}", FRESH.try_with(|_| ())));
        log(format!("{who}: {:?}", COUNTER.try_with(|_| ())));
        let panic = caught(|| EARLIER.with(|_| ()));
        log(format!("{who}: {}", panic.split(':').next().unwrap_or_default()));
    }
}

/// The value of one of std's thread-locals. Its destructor is the first to access a shared item on the thread.
struct Latecomer;

impl Drop for Latecomer {
    fn drop(&mut self) {
        log_access("fresh", FRESH.try_with(|_| ()));
    }
}

std::thread_local! {
    static WITNESS_OF_HOST: Witness = const { Witness("host") };
    static WITNESS_OF_PLUGIN: Witness = const { Witness("plugin") };
    static LATECOMER: Latecomer = const { Latecomer };
}

pub const OPERATIONS: &[Operation] = &[
    ("log", |_| LOG.lock().expect("not poisoned").join("\n").into()),
    ("use_earlier", |_| done(|| EARLIER.with(|_| ()))),
    ("use_later", |_| done(|| LATER.with(|_| ()))),
    ("use_curious", |_| done(|| CURIOUS.with(|_| ()))),
    ("use_bomb", |n| done(|| BOMB.with(|bomb| bomb.0.set(n)))),
    ("set_plain", |n| done(|| PLAIN.set(n))),
    ("witness_of_host", |_| done(|| WITNESS_OF_HOST.with(|_| ()))),
    ("witness_of_plugin", |_| done(|| WITNESS_OF_PLUGIN.with(|_| ()))),
    ("latecomer", |_| done(|| LATECOMER.with(|_| ()))),
];
