//! 0.4.0: for Cargo another crate than 0.3, so its items are others, and may be anything.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

plugin_tls_abi_stable::thread_local!(pub static COUNT: Cell<u32> = const { Cell::new(0) });
plugin_tls_abi_stable::lazy_static!(pub static ref NAMES: Mutex<Vec<String>> = Mutex::default(););
plugin_tls_abi_stable::lazy_static!(pub static ref MODE: AtomicU32 = AtomicU32::new(0););
