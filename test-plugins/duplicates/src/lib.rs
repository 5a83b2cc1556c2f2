//! A plugin that declares items with the same name and type in one function. The host cannot tell them apart and
//! refuses the plugin.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

plugin_tls::export_plugin!();

/// Two blocks that each declare `LEVEL`.
#[unsafe(no_mangle)]
pub extern "C" fn twice_thread_local() -> u32 {
    let first = {
        plugin_tls::thread_local!(static LEVEL: Cell<u32> = const { Cell::new(1) }); // the first LEVEL
        LEVEL.get()
    };
    let second = {
        plugin_tls::thread_local!(static LEVEL: Cell<u32> = const { Cell::new(2) }); // the second LEVEL
        LEVEL.get()
    };
    first + second
}

/// Two blocks that each declare `LIMIT`.
#[unsafe(no_mangle)]
pub extern "C" fn twice_static() -> u32 {
    let first = {
        plugin_tls::lazy_static!(static ref LIMIT: AtomicU32 = AtomicU32::new(1);); // the first LIMIT
        LIMIT.load(SeqCst)
    };
    let second = {
        plugin_tls::lazy_static!(static ref LIMIT: AtomicU32 = AtomicU32::new(2);); // the second LIMIT
        LIMIT.load(SeqCst)
    };
    first + second
}

/// The `LEVEL` of another function is another item, so the host does not complain about it.
#[unsafe(no_mangle)]
pub extern "C" fn once() -> u32 {
    plugin_tls::thread_local!(static LEVEL: Cell<u32> = const { Cell::new(3) });
    LEVEL.get()
}
