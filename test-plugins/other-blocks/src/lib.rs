//! A plugin that links version 0.3.6 of a crate. The host links 0.3.1 and refuses the plugin.

use test_api::probe::Operation;
use versioned::{of_some, of_two};

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

const OPERATIONS: &[Operation] = &[
    ("versioned_of_two", |which| u64::from(of_two(which as u8)).into()),
    ("versioned_of_some", |_| u64::from(of_some()).into()),
];
