//! A plugin that links version 0.1.0 of a crate. The type of the crate's item differs between versions.

use test_api::probe::Operation;

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

const OPERATIONS: &[Operation] = &[("shape", |_| u64::from(shape::SHAPE.get().0).into())];
