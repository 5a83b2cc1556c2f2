//! A plugin of the demo that adds the command `log`.

use demo_api::{COMMANDS, REQUEST, RUN_HERE, Totals};

plugin_tls::export_plugin!();

/// The host calls this once.
#[unsafe(no_mangle)]
pub extern "C" fn install() {
    COMMANDS.lock().expect("no command panics").insert("log".to_owned(), log);
}

/// Returns the counts of this plugin's copy of `demo_api`.
#[unsafe(no_mangle)]
pub extern "C" fn totals() -> Totals {
    demo_api::totals()
}

fn log() -> String {
    demo_api::count();
    let request = REQUEST.with_borrow(Clone::clone);
    format!("request {} of {}, command {} of this thread", request.id, request.user, RUN_HERE.get())
}
