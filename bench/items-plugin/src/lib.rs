//! The plugin that links the items of `bench-items`.

#[cfg(ours)]
plugin_tls::export_plugin!();

/// Uses every item, so that the linker keeps all of them.
#[unsafe(no_mangle)]
pub extern "C" fn bench_touch_items() -> usize {
    bench_items::touch()
}
