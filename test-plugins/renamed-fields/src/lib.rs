//! A plugin that links version 0.3.5 of a crate. The host links 0.3.1 and refuses the plugin unless it accepts what is not
//! proven.

use test_api::probe::Operation;
use versioned::{SPAN, Span};

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

const OPERATIONS: &[Operation] = &[("versioned_span", |n| SPAN.set(Span { offset: n as u32, length: 1 }).into())];
