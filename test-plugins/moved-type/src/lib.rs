//! A plugin that links version 0.3.4 of a crate. The host links 0.3.1 and refuses the plugin unless it trusts it.

use test_api::Outcome;
use test_api::probe::Operation;
use versioned::{COUNT, POSITION};

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

const OPERATIONS: &[Operation] = &[
    ("versioned_add", |n| {
        COUNT.set(COUNT.get() + n as u32);
        u64::from(COUNT.get()).into()
    }),
    ("versioned_go_to", |n| {
        POSITION.with_borrow_mut(|position| position.line = n as u32);
        Outcome::from(())
    }),
];
