//! A plugin that runs operations on the shared items.

plugin_tls::export_plugin!();
test_api::export_operations!(
    test_plugin_api::OPERATIONS,
    test_plugin_api::building::OPERATIONS,
    test_plugin_api::ending::OPERATIONS
);
