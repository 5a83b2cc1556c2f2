//! A plugin that is a library as well, so that other programs may link it.

use std::cell::Cell;

plugin_tls::export_plugin!();

plugin_tls::thread_local! {
    static OWN: Cell<u64> = const { Cell::new(0) };
}

/// Adds to this crate's own counter and to the shared one. Returns both sums.
pub fn add(n: u64) -> (u64, u64) {
    OWN.set(OWN.get() + n);
    test_api::items::COUNTER.set(test_api::items::COUNTER.get() + n);
    (OWN.get(), test_api::items::COUNTER.get())
}

/// As [`add`], for the program that loads this library: the sum of the shared counter.
#[unsafe(export_name = "linked_two_add")]
pub extern "C" fn exported_add(n: u64) -> u64 {
    add(n).1
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_plugins_own_tests_can_use_its_items() {
        assert_eq!(super::add(2), (2, 2));
        assert_eq!(super::exported_add(3), 5);
    }
}
