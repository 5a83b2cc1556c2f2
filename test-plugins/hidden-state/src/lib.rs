//! A plugin with items whose types rely on statics of other crates.

plugin_tls::export_plugin!();
test_api::export_operations!(test_hidden_api::OPERATIONS);
