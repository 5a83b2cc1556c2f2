//! A host that uses an item before all of its constructors have run.
#![cfg(all(feature = "host", target_os = "linux"))]

use std::cell::Cell;

plugin_tls::thread_local! {
    static EARLY: Cell<u32> = const { Cell::new(1) };
    static LATE: Cell<u32> = const { Cell::new(2) };
}

/// Runs before the constructors of the items, which have no priority.
#[used]
#[unsafe(link_section = ".init_array.00101")]
static FIRST: extern "C" fn() = {
    extern "C" fn first() {
        EARLY.set(10);
    }
    first
};

#[test]
fn items_whose_constructors_ran_later_are_the_hosts() {
    assert_eq!(std::thread::spawn(|| EARLY.get()).join().unwrap(), 1, "the early value is the first thread's");
    let snapshot = plugin_tls::host::snapshot();
    for name in ["early::EARLY", "early::LATE"] {
        let item = snapshot.items().iter().find(|item| item.path == name);
        let item = item.unwrap_or_else(|| panic!("{name} is missing:\n{snapshot}"));
        assert_eq!(item.owner.as_deref(), item.binaries.first().map(String::as_str), "{name} is the host's");
        assert_eq!(item.binaries.len(), 1, "{name}");
    }
}
