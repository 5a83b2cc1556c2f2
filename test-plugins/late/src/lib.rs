//! A plugin with items that are not registered when it is loaded, but when they are used first.
//!
//! They are the same items as some of the test host's, declared as the macros do it, without the registration.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use plugin_tls::__private::{LocalItem, Probe, StaticItem};
use plugin_tls::LocalKey;
use test_api::operations::address;
use test_api::probe::Operation;

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

/// What the macros say of an item of the test host's module `scenarios::late`.
macro_rules! text {
    ($name:literal, $ty:literal) => {
        concat!(
            "test_host::scenarios::late\0",
            env!("CARGO_PKG_VERSION_MAJOR"),
            ".",
            env!("CARGO_PKG_VERSION_MINOR"),
            "\0test-host\0",
            $name,
            "\0",
            $ty,
            "\0",
            file!(),
            ":",
            line!(),
            ":",
            column!()
        )
    };
}

const _: () = assert!(env!("CARGO_PKG_VERSION_MAJOR").as_bytes()[0] == b'0', "the items' compatible version is 0.x");

/// As the host's.
const SHARED: LocalKey<Cell<u64>> = LocalKey::__new(|| {
    static ITEM: LocalItem<Cell<u64>> = LocalItem::new(
        text!("SHARED", "Cell<u64>"),
        || Cell::new(1),
        || Probe::<Cell<u64>>::new().__plugin_tls_describe("test_host::scenarios::late::SHARED"),
    );
    &ITEM
});

/// What is `Cell<Number>` to the host is another type here.
const MISMATCH: LocalKey<Cell<u32>> = LocalKey::__new(|| {
    static ITEM: LocalItem<Cell<u32>> = LocalItem::new(
        text!("MISMATCH", "Cell<Number>"),
        || Cell::new(1),
        || Probe::<Cell<u32>>::new().__plugin_tls_describe("test_host::scenarios::late::MISMATCH"),
    );
    &ITEM
});

/// As the host's.
static SHARED_STATIC: StaticItem<AtomicU64> = StaticItem::new(
    text!("SHARED_STATIC", "AtomicU64"),
    || AtomicU64::new(1),
    || Probe::<AtomicU64>::new().__plugin_tls_describe("test_host::scenarios::late::SHARED_STATIC"),
);

/// What is `Number` to the host is another type here.
static MISMATCH_STATIC: StaticItem<[u64; 2]> = StaticItem::new(
    text!("MISMATCH_STATIC", "Number"),
    || [1; 2],
    || Probe::<[u64; 2]>::new().__plugin_tls_describe("test_host::scenarios::late::MISMATCH_STATIC"),
);

/// By name.
pub const OPERATIONS: &[Operation] = &[
    ("late_add", |n| {
        SHARED.set(SHARED.get() + n);
        SHARED.get().into()
    }),
    ("late_address", |_| SHARED.with(address)),
    ("late_static_add", |n| (SHARED_STATIC.get().fetch_add(n, SeqCst) + n).into()),
    ("late_static_address", |_| address(SHARED_STATIC.get())),
    ("late_mismatch_try", |_| format!("{:?}", MISMATCH.try_with(Cell::get)).into()),
    ("late_mismatch", |_| u64::from(MISMATCH.get()).into()),
    ("late_mismatch_static", |_| MISMATCH_STATIC.get()[0].into()),
];
