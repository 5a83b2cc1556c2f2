//! A library that has its own store and exports a function that returns the store's context.

use plugin_tls::Context;

test_api::export_operations!();
test_api::export_connect!(Context);

/// The context of this library's store.
#[unsafe(no_mangle)]
pub extern "C" fn context() -> Context {
    Context::get()
}
