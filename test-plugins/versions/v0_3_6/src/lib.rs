//! Version 0.3.6, in which some functions of 0.3.1 have their blocks in another order, or fewer of them.

use std::cell::Cell;

/// See 0.3.1.
pub fn of_two(which: u8) -> u32 {
    match which {
        1 => {
            plugin_tls_abi_stable::thread_local!(static ALIKE: Cell<u32> = const { Cell::new(2) });
            ALIKE.get()
        }
        _ => {
            plugin_tls_abi_stable::thread_local!(static ALIKE: Cell<u32> = const { Cell::new(1) });
            ALIKE.get()
        }
    }
}

/// See 0.3.1.
pub fn of_some() -> u32 {
    plugin_tls_abi_stable::thread_local!(static ALIKE: Cell<u32> = const { Cell::new(1) });
    ALIKE.get()
}
