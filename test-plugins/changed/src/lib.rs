//! A plugin with 0.3.3 of a crate of which the host links 0.3.1. It is refused.

plugin_tls::export_plugin!();

/// So that the crate is linked.
#[unsafe(no_mangle)]
pub extern "C" fn count() -> u32 {
    versioned::COUNT.get()
}
