//! The plugin's side of loading: what [`export_plugin!`](crate::export_plugin) exports.

use std::ffi::c_void;

use plugin_tls_abi::header::Header;
use plugin_tls_abi::sys::image;
use plugin_tls_abi::table::{Entry, OK, REJECTED, Status};
use plugin_tls_abi::text::Sink;
use plugin_tls_core::__private::{disconnect as drop_store, initialize_for};

/// The entry of a plugin. `defines_takeover` says whether its image defines the functions of the takeover.
#[must_use]
pub const fn entry(defines_takeover: bool) -> Entry {
    Entry {
        header: Header::of::<Entry>(),
        connect: Some(connect),
        disconnect: Some(disconnect),
        takes_over: if defines_takeover { Some(takes_over) } else { None },
    }
}

/// Allocates something. `export_plugin!` calls this when the binary is loaded: a [`HostAllocator`](crate::HostAllocator) then
/// finds its host while that loads the plugin, on its thread. Another allocator does what it always does.
pub fn use_allocator() {
    drop(std::hint::black_box(Box::new(0_u8)));
}

/// See [`Entry::takes_over`]. The linker binds std to the functions of the takeover if both are in this image. Where std is a
/// dynamic library, as with `-C prefer-dynamic`, it is not bound to them.
extern "C" fn takes_over() -> u32 {
    let own = takes_over as *const ();
    // A function of std that is neither generic nor inlined, and that panics link anyway.
    let std = std::env::current_dir as fn() -> std::io::Result<std::path::PathBuf> as *const ();
    u32::from(image::span_of(own.cast()).is_some_and(|span| span.contains(&std.addr())))
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
