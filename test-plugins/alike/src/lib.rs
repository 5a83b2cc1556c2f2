//! A plugin that declares items that are written alike, in blocks of one function. They belong to the plugin's image.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

plugin_tls::export_plugin!();

/// Two blocks that each declare `LEVEL`. Returns the sum of both, and adds one to each.
#[unsafe(no_mangle)]
pub extern "C" fn twice_thread_local() -> u32 {
    let first = {
        plugin_tls::thread_local!(static LEVEL: Cell<u32> = const { Cell::new(1) });
        LEVEL.replace(LEVEL.get() + 1)
    };
    let second = {
        plugin_tls::thread_local!(static LEVEL: Cell<u32> = const { Cell::new(2) });
        LEVEL.replace(LEVEL.get() + 1)
    };
    first + second
}

/// Two blocks that each declare `LIMIT`. Returns the sum of both, and adds one to each.
#[unsafe(no_mangle)]
pub extern "C" fn twice_static() -> u32 {
    let first = {
        plugin_tls::lazy_static!(static ref LIMIT: AtomicU32 = AtomicU32::new(1););
        LIMIT.fetch_add(1, SeqCst)
    };
    let second = {
        plugin_tls::lazy_static!(static ref LIMIT: AtomicU32 = AtomicU32::new(2););
        LIMIT.fetch_add(1, SeqCst)
    };
    first + second
}

/// The `LEVEL` of another function.
#[unsafe(no_mangle)]
pub extern "C" fn once() -> u32 {
    plugin_tls::thread_local!(static LEVEL: Cell<u32> = const { Cell::new(3) });
    LEVEL.replace(LEVEL.get() + 1)
}
