//! A newer build of the demo's greeter, with another greeting.

use demo_api::{COMMANDS, REQUEST, Totals};

plugin_tls::export_plugin!();

/// The host calls this once.
#[unsafe(no_mangle)]
pub extern "C" fn install() {
    COMMANDS.lock().expect("no command panics").insert("greet".to_owned(), greet);
}

/// The host calls this before it unloads the plugin, so that the registry keeps no function of the plugin.
#[unsafe(no_mangle)]
pub extern "C" fn uninstall() {
    COMMANDS.lock().expect("no command panics").remove("greet");
}

/// Returns the counts of this plugin's copy of `demo_api`.
#[unsafe(no_mangle)]
pub extern "C" fn totals() -> Totals {
    demo_api::totals()
}

fn greet() -> String {
    demo_api::count();
    REQUEST.with_borrow(|request| format!("Good day to you, {}.", request.user))
}
