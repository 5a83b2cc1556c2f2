//! A library with a store of its own, whose context it gives to whoever asks.

use plugin_tls::Context;

test_api::export_operations!();

/// The context of this library's store.
#[unsafe(no_mangle)]
pub extern "C" fn context() -> Context {
    Context::get()
}
