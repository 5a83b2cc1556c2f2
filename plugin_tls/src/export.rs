//! The plugin's side of loading: what [`export_plugin!`](crate::export_plugin) exports.

use std::ffi::c_void;

use plugin_tls_abi::header::Header;
use plugin_tls_abi::table::{Entry, OK, REJECTED, Status};
use plugin_tls_abi::text::Sink;
use plugin_tls_core::__private::{disconnect as drop_store, initialize_for};

/// The entry of a plugin. `takes_over` says whether its image defines the functions of the takeover.
#[must_use]
pub const fn entry(takes_over: bool) -> Entry {
    Entry {
        header: Header::of::<Entry>(),
        connect: Some(connect),
        disconnect: Some(disconnect),
        takes_over: takes_over as u32,
        reserved: 0,
    }
}

/// See [`Entry::connect`].
///
/// # Safety
///
/// - `table` and `load` are those of a host that stays mapped for as long as this plugin.
/// - `report` is a usable [`Sink`].
unsafe extern "C" fn connect(table: *const c_void, load: *mut c_void, report: *const c_void) -> Status {
    // SAFETY: the caller guarantees that table and load are a host's, which stays mapped.
    match unsafe { initialize_for(table, load) } {
        Ok(()) => OK,
        Err(error) => {
            // SAFETY: the caller guarantees that the sink is usable.
            unsafe { (*report.cast::<Sink>()).write(&error.to_string()) };
            REJECTED
        }
    }
}

/// See [`Entry::disconnect`].
///
/// # Safety
///
/// No other code of this binary runs, and nothing uses a value that the store has given out to it.
unsafe extern "C" fn disconnect() {
    // SAFETY: the caller guarantees the same.
    unsafe { drop_store() }
}
