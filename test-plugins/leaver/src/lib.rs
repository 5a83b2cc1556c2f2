//! A plugin for the unloading scenarios. Its operations leave state of std and of its own items on threads.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use test_api::items::{POINTER, REGISTRY};
use test_api::outcome::address;
use test_api::probe::{Operation, Outcome};

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS, test_plugin_api::OPERATIONS);

/// Adds a line to the host's registry when it is dropped.
#[derive(Debug)]
pub struct Telltale(&'static str);

impl Drop for Telltale {
    fn drop(&mut self) {
        REGISTRY.lock().expect("not poisoned").push(format!("dropped {}", self.0));
    }
}

plugin_tls::thread_local! {
    static OWN_LOCAL: (Telltale, Cell<u64>) = (Telltale("own local"), Cell::new(0));
    static OWN_BOMB: Bomb = Bomb;
    /// Has no destructor.
    static OWN_NUMBER: Cell<u64> = const { Cell::new(0) };
}

plugin_tls::lazy_static! {
    static ref POISONED: u64 = {
        assert!(!POISON.load(SeqCst), "poisoned on request");
        0
    };
    static ref OWN_TALKER: Talker = Talker;
    static ref OWN_STATIC_BOMB: Bomb = Bomb;
    static ref OWN_CALLER: Caller = Caller(CALLED.load(SeqCst));
    static ref OWN_STATIC: (Telltale, Mutex<u64>) = (Telltale("own static"), Mutex::new(0));
}

std::thread_local! {
    static STD_LOCAL: RefCell<Option<Telltale>> = const { RefCell::new(None) };
}

/// Whether the initializer of [`POISONED`] panics.
static POISON: AtomicBool = AtomicBool::new(false);

/// Uses std's thread-locals when it is dropped.
struct Talker;

impl Drop for Talker {
    fn drop(&mut self) {
        STD_LOCAL.with_borrow_mut(|local| *local = Some(Telltale("std local")));
        println!("dropped on thread {:?}", thread::current().id());
    }
}

/// Calls a function of the host when it is dropped.
struct Caller(u64);

impl Drop for Caller {
    fn drop(&mut self) {
        // SAFETY: the host passes the address of an `extern "C" fn()` to the operation `own_caller`.
        unsafe { std::mem::transmute::<usize, extern "C" fn()>(self.0 as usize)() }
    }
}

/// The address of the function that the next [`Caller`] calls.
static CALLED: AtomicU64 = AtomicU64::new(0);

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Connects the plugin by hand, without the loader. Returns 0 if it succeeded.
///
/// # Safety
///
/// The safety conditions of `Context::initialize` apply.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect_by_hand(context: plugin_tls::Context) -> u32 {
    // SAFETY: the caller meets the conditions of `initialize`.
    u32::from(unsafe { context.initialize() }.is_err())
}

/// The threads that the operation `spawn` starts run until this is set.
static RELEASED: AtomicBool = AtomicBool::new(false);

const OPERATIONS: &[Operation] = &[
    ("own_local", |n| {
        OWN_NUMBER.set(n);
        OWN_LOCAL.with(|(_, number)| number.replace(n)).into()
    }),
    ("try_own_local", |_| match OWN_LOCAL.try_with(|(_, number)| number.get()) {
        Ok(number) => number.into(),
        Err(error) => Outcome::from(format!("{:?}", error.reason())),
    }),
    ("own_static", |n| std::mem::replace(&mut *OWN_STATIC.1.lock().expect("not poisoned"), n).into()),
    ("own_static_address", |_| address(&*OWN_STATIC)),
    ("own_caller", |function| {
        CALLED.store(function, SeqCst);
        address(&*OWN_CALLER)
    }),
    ("own_talker", |_| address(&*OWN_TALKER)),
    ("panic_in_destructor", |_| OWN_BOMB.with(|_| 0).into()),
    ("panic_in_static_destructor", |_| address(&*OWN_STATIC_BOMB)),
    ("use_parking_lot", |threads| {
        // A lock of a crate that keeps its waiting threads in statics and thread-locals of its own.
        static SUM: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
        let add = || {
            for _ in 0..1000 {
                let mut sum = SUM.lock();
                thread::yield_now();
                *sum += 1;
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| thread::spawn(add)).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("the thread does not panic"));
        (*SUM.lock()).into()
    }),
    ("poison", |n| {
        POISON.store(n == 1, SeqCst);
        (*POISONED).into()
    }),
    ("leave_pointer", |_| POINTER.set((&raw const RELEASED).addr()).into()),
    ("use_std", |n| {
        STD_LOCAL.with_borrow_mut(|local| *local = Some(Telltale("std local")));
        let map: HashMap<u64, String> = (0..n).map(|n| (n, n.to_string())).collect();
        println!("{} entries on thread {:?}", map.len(), thread::current().name());
        (map.len() as u64).into()
    }),
    ("spawn", |_| {
        let (running, is_running) = std::sync::mpsc::channel();
        thread::Builder::new()
            .name("plugins-own".to_owned())
            .spawn(move || {
                running.send(()).expect("the operation waits");
                while !RELEASED.load(SeqCst) {
                    thread::yield_now();
                }
            })
            .map(|_detached| is_running.recv().expect("the thread sends a message"))
            .map_or_else(|error| Outcome::Panicked(error.to_string()), Outcome::from)
    }),
    ("spawn_and_join", |n| {
        let worker = thread::spawn(move || {
            STD_LOCAL.with_borrow_mut(|local| *local = Some(Telltale("std local")));
            n + 1
        });
        worker.join().expect("the thread does not panic").into()
    }),
    ("release", |_| RELEASED.store(true, SeqCst).into()),
];
