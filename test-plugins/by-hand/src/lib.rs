//! A library that receives its context through an exported function.

use plugin_tls::Context;

plugin_tls::export_plugin!(by_hand);
test_api::export_operations!();
test_api::export_connect!(Context);

/// Makes this library a host: the context of its own store.
#[unsafe(no_mangle)]
pub extern "C" fn become_host() -> Context {
    Context::get()
}
