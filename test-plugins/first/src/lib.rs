//! A plugin that runs operations on the shared items.

plugin_tls::export_plugin!();
test_api::export_operations!(
    test_plugin_api::OPERATIONS,
    test_plugin_api::building::OPERATIONS,
    test_plugin_api::ending::OPERATIONS
);

#[cfg(test)]
mod tests {
    #[test]
    fn the_tests_of_a_cdylib_can_use_items() {
        assert_eq!(test_plugin_api::PLUGIN_COUNTER.get(), 100);
        test_plugin_api::PLUGIN_REGISTRY.lock().expect("not poisoned").push("from a test".to_owned());
    }
}
