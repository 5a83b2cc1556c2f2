//! A plugin that links version 0.4.0 of a crate. The host links 0.3.1.

use test_api::outcome::address;
use test_api::outcome::done;
use test_api::probe::Operation;
use versioned::{COUNT, MODE, NAMES};

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

const OPERATIONS: &[Operation] = &[
    ("versioned_add", |n| {
        COUNT.set(COUNT.get() + n as u32);
        u64::from(COUNT.get()).into()
    }),
    ("versioned_address", |_| COUNT.with(address)),
    ("versioned_push", |n| done(|| NAMES.lock().expect("not poisoned").push(format!("name {n}")))),
    ("versioned_mode", |n| u64::from(MODE.fetch_add(n as u32, std::sync::atomic::Ordering::SeqCst)).into()),
];
