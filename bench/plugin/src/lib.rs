//! The plugin that the benchmarks measure.

mod items;

use bench_timing::Request;

plugin_tls::export_plugin!();

/// See [`bench_timing::Measure`].
#[unsafe(no_mangle)]
pub extern "C" fn bench_measure(request: &Request) -> f64 {
    bench_timing::answer(request, |work, subject| {
        items::find(work, subject).or_else(|| bench_subjects::find(work, subject))
    })
}

/// Connects plugin_tls 0.4.1 to the host's store.
///
/// # Safety
///
/// It must be called only once, before [`bench_measure`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bench_connect_peer(context: peer::Context) {
    // SAFETY: `initialize` must be called once, before an item of plugin_tls 0.4.1 is used. This function has the same
    // condition, since only `bench_measure` uses such items.
    unsafe { context.initialize() }
}
