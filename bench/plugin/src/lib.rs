//! The plugin in which the benchmarks take their times.

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
/// It is called once, and before the plugin measures anything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bench_connect_peer(context: peer::Context) {
    // SAFETY: the caller's word.
    unsafe { context.initialize() }
}
