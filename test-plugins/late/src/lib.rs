//! A plugin with items that are registered at their first access instead of when the plugin is loaded.
//!
//! The items are the same as those of the test host's module `scenarios::late`. They are written out as the macros
//! would expand them, but without the code that calls their constructors when the plugin is loaded.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use plugin_tls::__private::{LocalItem, Probe, StaticItem, describe, shape_of};
use plugin_tls::LocalKey;
use test_api::outcome::address;
use test_api::probe::Operation;

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

/// The text with which the macros would describe an item of the test host's module `scenarios::late`.
macro_rules! text {
    ($name:literal, $ty:literal) => {
        concat!(
            "test_host::scenarios::late\x1f",
            env!("CARGO_PKG_VERSION_MAJOR"),
            ".",
            env!("CARGO_PKG_VERSION_MINOR"),
            "\x1f\x1f\x1f",
            $name,
            "\x1f",
            $ty,
            "\x1f\x1f\x1f",
            file!(),
            ":",
            line!(),
            ":",
            column!(),
            "\0"
        )
    };
}

/// What an item's constructor does.
macro_rules! describe {
    ($item:ident, $($what:tt)*) => {
        describe(
            &$item,
            Probe::new(&$item).__plugin_tls_layout(),
            shape_of(&$item).__plugin_tls_find(),
            $($what)*
        )
    };
}

const _: () = assert!(env!("CARGO_PKG_VERSION_MAJOR").as_bytes()[0] == b'0', "the items' compatible version is 0.x");

/// Agrees with the host's item.
const SHARED: LocalKey<Cell<u64>> = {
    static ITEM: LocalItem<Cell<u64>> = LocalItem::NEW;
    extern "C" fn constructor() {
        let here = "test_host::scenarios::late::SHARED::constructor";
        describe!(ITEM, text!("SHARED", "Cell<u64>"), here, || Cell::new(1));
    }
    LocalKey::__new(&ITEM, constructor)
};

/// The host's type `Cell<Number>` has another size.
const MISMATCH: LocalKey<Cell<u32>> = {
    static ITEM: LocalItem<Cell<u32>> = LocalItem::NEW;
    extern "C" fn constructor() {
        let here = "test_host::scenarios::late::MISMATCH::constructor";
        describe!(ITEM, text!("MISMATCH", "Cell<Number>"), here, || Cell::new(1));
    }
    LocalKey::__new(&ITEM, constructor)
};

/// Agrees with the host's item.
fn shared_static() -> &'static AtomicU64 {
    static ITEM: StaticItem<AtomicU64> = StaticItem::NEW;
    extern "C" fn constructor() {
        let here = "test_host::scenarios::late::SHARED_STATIC";
        describe!(ITEM, text!("SHARED_STATIC", "AtomicU64"), here, || AtomicU64::new(1));
    }
    ITEM.get(constructor)
}

/// The host's type `Number` has another size.
fn mismatch_static() -> &'static [u64; 2] {
    static ITEM: StaticItem<[u64; 2]> = StaticItem::NEW;
    extern "C" fn constructor() {
        let here = "test_host::scenarios::late::MISMATCH_STATIC";
        describe!(ITEM, text!("MISMATCH_STATIC", "Number"), here, || [1; 2]);
    }
    ITEM.get(constructor)
}

pub const OPERATIONS: &[Operation] = &[
    ("late_add", |n| {
        SHARED.set(SHARED.get() + n);
        SHARED.get().into()
    }),
    ("late_address", |_| SHARED.with(address)),
    ("late_static_add", |n| (shared_static().fetch_add(n, SeqCst) + n).into()),
    ("late_static_address", |_| address(shared_static())),
    ("late_mismatch_try", |_| format!("{:?}", MISMATCH.try_with(Cell::get)).into()),
    ("late_mismatch", |_| u64::from(MISMATCH.get()).into()),
    ("late_mismatch_static", |_| mismatch_static()[0].into()),
];
