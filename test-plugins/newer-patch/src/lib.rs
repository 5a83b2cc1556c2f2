//! A plugin that links version 0.3.2 of a crate. The host links 0.3.1.

use test_api::outcome::address;
use test_api::outcome::done;
use test_api::probe::Operation;
use versioned::{COUNT, NAMES, STYLE, Style};

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

const OPERATIONS: &[Operation] = &[
    ("versioned_add", |n| {
        COUNT.set(COUNT.get() + n as u32);
        u64::from(COUNT.get()).into()
    }),
    ("versioned_address", |_| COUNT.with(address)),
    ("versioned_push", |n| done(|| NAMES.lock().expect("not poisoned").push(format!("name {n}")))),
    ("versioned_names", |_| NAMES.lock().expect("not poisoned").join(", ").into()),
    ("versioned_style", |n| STYLE.set(Style { bold: true, size: n as u16 }).into()),
];
