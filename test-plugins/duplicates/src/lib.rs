//! A plugin with declarations that cannot be told apart: one function, one name, one type. It is refused.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

plugin_tls::export_plugin!();

/// Two blocks, each with its own `LEVEL`.
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

/// Two blocks, each with its own `LIMIT`.
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

/// Another function's `LEVEL` is another item.
#[unsafe(no_mangle)]
pub extern "C" fn once() -> u32 {
    plugin_tls::thread_local!(static LEVEL: Cell<u32> = const { Cell::new(3) });
    LEVEL.get()
}
