//! The demo's greeter after a change: it has become more formal.

use demo_api::{COMMANDS, REQUEST, Totals};

plugin_tls::export_plugin!();

/// Called by the host, once.
#[unsafe(no_mangle)]
pub extern "C" fn install() {
    COMMANDS.lock().expect("no command panics").insert("greet".to_owned(), greet);
}

/// Called by the host before it unloads the plugin: the registry must not keep a function of it.
#[unsafe(no_mangle)]
pub extern "C" fn uninstall() {
    COMMANDS.lock().expect("no command panics").remove("greet");
}

/// What this plugin sees of the counters.
#[unsafe(no_mangle)]
pub extern "C" fn totals() -> Totals {
    demo_api::totals()
}

fn greet() -> String {
    demo_api::count();
    REQUEST.with_borrow(|request| format!("Good day to you, {}.", request.user))
}
