//! Initializers of items that only plugins link.

use std::cell::Cell;
use std::panic::panic_any;

use test_api::building::{
    BRIDGE, CALLBACK, Callback, Custom, GROUND, MEETING, MIDDLE, caught, failing, fragile, payload,
};
use test_api::ending::log;
use test_api::outcome::done;
use test_api::probe::Operation;

plugin_tls_core::thread_local! {
    /// Uses an item of the host.
    pub static LOWER: Cell<u64> = Cell::new(*GROUND * 10 + 2);

    /// Uses an item of the host, which uses [`LOWER`], which uses an item of the host.
    pub static UPPER: Cell<u64> = Cell::new(*MIDDLE * 10 + 4);

    /// The two items use each other if initializers are to fail.
    pub static LOOP_X: Cell<u64> = Cell::new(LOOP_Y.get() + 1);
    pub static LOOP_Y: Cell<u64> = Cell::new(if failing() { LOOP_X.get() } else { 1 });

    /// Uses itself through an item of the host.
    pub static PIER: Cell<u64> = Cell::new(BRIDGE.get() + 1);

    /// Panics if initializers are to fail.
    pub static FRAGILE: Cell<u64> = Cell::new(fragile());

    /// Panics with a payload that is not text.
    pub static PAYLOAD: Cell<u64> = panic_any(Custom(43));

    /// The initializer always panics.
    pub static SET_FIRST: Cell<u64> = panic!("it is set before it is used");
}

plugin_tls_core::lazy_static! {
    /// The two items use each other if initializers are to fail.
    pub static ref LOOP_STATIC_X: u64 = *LOOP_STATIC_Y + 1;
    pub static ref LOOP_STATIC_Y: u64 = if failing() { *LOOP_STATIC_X } else { 1 };

    /// The two items use each other after two threads have started to build them.
    pub static ref CYCLE_X: u64 = {
        MEETING.wait();
        *CYCLE_Y + 1
    };
    pub static ref CYCLE_Y: u64 = {
        MEETING.wait();
        *CYCLE_X + 1
    };

    /// Panics if initializers are to fail.
    pub static ref FRAGILE_STATIC: u64 = fragile();
}

extern "C" fn lower() -> u64 {
    LOWER.get()
}

/// Logs the panic of [`PIER`]. The panic is caught here, because panics must not unwind into another binary.
extern "C" fn pier() -> u64 {
    log(caught(|| PIER.set(PIER.get())));
    7
}

fn call_back_with(callback: Callback) {
    *CALLBACK.lock().expect("not poisoned") = Some(callback);
}

pub const OPERATIONS: &[Operation] = &[
    ("upper", |_| {
        call_back_with(lower);
        UPPER.get().into()
    }),
    ("pier", |_| {
        call_back_with(pier);
        PIER.get().into()
    }),
    ("plugin_loop_x", |_| LOOP_X.get().into()),
    ("plugin_loop_static_x", |_| (*LOOP_STATIC_X).into()),
    ("plugin_loop_static_y", |_| (*LOOP_STATIC_Y).into()),
    ("plugin_cycle_x", |_| (*CYCLE_X).into()),
    ("plugin_cycle_y", |_| (*CYCLE_Y).into()),
    ("plugin_fragile", |_| FRAGILE.get().into()),
    ("plugin_fragile_static", |_| (*FRAGILE_STATIC).into()),
    ("plugin_payload", |_| payload(|| PAYLOAD.set(PAYLOAD.get()))),
    ("plugin_set_first", |n| done(|| SET_FIRST.set(n))),
    ("plugin_set_first_value", |_| SET_FIRST.get().into()),
];
