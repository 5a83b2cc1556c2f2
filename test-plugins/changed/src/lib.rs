//! A plugin that links version 0.3.3 of a crate. The host links 0.3.1 and refuses the plugin.

plugin_tls::export_plugin!();

/// Uses the crate, so that it is linked.
#[unsafe(no_mangle)]
pub extern "C" fn count() -> u32 {
    versioned::COUNT.get()
}
