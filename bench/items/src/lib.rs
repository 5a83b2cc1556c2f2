//! The items that `build.rs` writes.

use std::cell::RefCell;
use std::collections::HashMap;

include!(concat!(env!("OUT_DIR"), "/items.rs"));

/// Uses every item, so that the linker keeps all of them.
#[unsafe(no_mangle)]
pub extern "C" fn bench_touch_items() -> usize {
    touch()
}
