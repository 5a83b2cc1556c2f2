//! Runs operations in other binaries.
//!
//! A plugin exports one function, `probe`. It takes the name of an operation and a number, and returns a number and a
//! text. The binary in which an operation panics catches the panic and returns its message as text.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use crate::outcome::{Operation, Outcome, message};
use crate::{allocation, building, ending, hot_path, identity, operations, threads, types};

/// The operations of this crate, a table per topic.
const TABLES: &[&[Operation]] = &[
    operations::OPERATIONS,
    allocation::OPERATIONS,
    building::OPERATIONS,
    ending::OPERATIONS,
    hot_path::OPERATIONS,
    identity::OPERATIONS,
    threads::OPERATIONS,
    types::OPERATIONS,
];

/// Runs the operation `name` of this crate, or of one of `tables`, in this binary.
pub fn run(tables: &[&[Operation]], name: &str, argument: u64) -> Outcome {
    let mut operations = TABLES.iter().chain(tables).copied().flatten();
    let Some((_, operation)) = operations.find(|(known, _)| *known == name) else {
        return Outcome::Unknown;
    };
    catch_unwind(AssertUnwindSafe(|| operation(argument)))
        .unwrap_or_else(|payload| Outcome::Panicked(message(&*payload)))
}

/// Receives the text of an outcome from a plugin.
pub type Write = unsafe extern "C" fn(to: *mut c_void, text: *const u8, length: usize);
/// The type of the function that a plugin exports as `probe`.
pub type Probe = unsafe extern "C" fn(
    name: *const u8,
    length: usize,
    argument: u64,
    number: *mut u64,
    write: Write,
    to: *mut c_void,
) -> u32;

/// The operations of a loaded plugin.
#[derive(Clone, Copy, Debug)]
pub struct Operations(Probe);

impl Operations {
    /// # Safety
    ///
    /// [`export_operations!`](crate::export_operations) must have exported `probe`, and the plugin must stay loaded
    /// while the operations are used.
    pub unsafe fn new(probe: Probe) -> Self {
        Operations(probe)
    }

    /// Runs the operation `name` in the plugin.
    pub fn call(&self, name: &str, argument: u64) -> Outcome {
        unsafe extern "C" fn write(to: *mut c_void, text: *const u8, length: usize) {
            // SAFETY: `to` is the `String` below, which nothing else uses during the call of `probe`. `answer` passes a
            // text that is valid for this call.
            unsafe {
                let text = std::slice::from_raw_parts(text, length);
                (*to.cast::<String>()).push_str(&String::from_utf8_lossy(text));
            }
        }
        let (mut number, mut text) = (0, String::new());
        // SAFETY: the name, the number and the text live until the call returns, and `write` accepts a `String`. The
        // plugin is loaded, as the caller of `new` guarantees.
        let status =
            unsafe { (self.0)(name.as_ptr(), name.len(), argument, &raw mut number, write, (&raw mut text).cast()) };
        match status {
            0 => Outcome::Done { number, text },
            1 => Outcome::Panicked(text),
            _ => Outcome::Unknown,
        }
    }
}

/// The body of an exported `probe`.
///
/// # Safety
///
/// `name` must point to `length` readable bytes and `number` to a writable `u64`. `write` must accept `to` and any
/// text.
pub unsafe fn answer(
    tables: &[&[Operation]],
    (name, length): (*const u8, usize),
    argument: u64,
    number: *mut u64,
    write: Write,
    to: *mut c_void,
) -> u32 {
    // SAFETY: the caller guarantees that `name` points to `length` readable bytes.
    let name = unsafe { std::slice::from_raw_parts(name, length) };
    let (status, value, text) = match run(tables, &String::from_utf8_lossy(name), argument) {
        Outcome::Done { number, text } => (0, number, text),
        Outcome::Panicked(message) => (1, 0, message),
        Outcome::Unknown => (2, 0, String::new()),
    };
    // SAFETY: the caller guarantees that `number` is writable and that `write` accepts `to`. The text lives until
    // `write` returns.
    unsafe {
        *number = value;
        write(to, text.as_ptr(), text.len());
    }
    status
}

/// Exports `probe` from a plugin, with the operations of this crate and of further tables.
#[macro_export]
macro_rules! export_operations {
    ($($table:expr),*) => {
        /// See `test_api::probe`.
        ///
        /// # Safety
        ///
        /// The safety conditions of `test_api::probe::answer` apply.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn probe(
            name: *const u8,
            length: usize,
            argument: u64,
            number: *mut u64,
            write: $crate::probe::Write,
            to: *mut ::std::ffi::c_void,
        ) -> u32 {
            // SAFETY: the caller meets the conditions of `answer`.
            unsafe { $crate::probe::answer(&[$($table),*], (name, length), argument, number, write, to) }
        }
    };
}

/// Exports `connect` from a library, which takes a context of the given type.
#[macro_export]
macro_rules! export_connect {
    ($context:ty) => {
        /// Connects this library. Returns 0, or 1 after it wrote the reason.
        ///
        /// # Safety
        ///
        /// `context` must meet the conditions of `Context::initialize`, and `write` must accept `to` and any text.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn connect(
            context: $context,
            write: $crate::probe::Write,
            to: *mut ::std::ffi::c_void,
        ) -> u32 {
            // SAFETY: the caller guarantees that `context` meets the conditions of `initialize`.
            match unsafe { context.initialize() } {
                ::std::result::Result::Ok(()) => 0,
                ::std::result::Result::Err(error) => {
                    let text = ::std::format!("{error:?}\n{error}");
                    // SAFETY: the caller guarantees that `write` accepts `to`. The text lives until `write` returns.
                    unsafe { write(to, text.as_ptr(), text.len()) };
                    1
                }
            }
        }
    };
}

/// Exports `load` from a library that is a host: it loads plugins with the given type, `plugin_tls::host::Plugin`.
#[macro_export]
macro_rules! export_load {
    ($plugin:ty) => {
        /// Loads the plugin at a UTF-8 path. Returns its `probe`, or `None` after it wrote the reason.
        ///
        /// # Safety
        ///
        /// `path` must point to `length` readable bytes, which are the path of a plugin of this workspace. `write` must accept
        /// `to` and any text.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn load(
            path: *const u8,
            length: usize,
            write: $crate::probe::Write,
            to: *mut ::std::ffi::c_void,
        ) -> ::std::option::Option<$crate::probe::Probe> {
            let load = || {
                // SAFETY: the caller guarantees that `path` points to `length` readable bytes.
                let path = unsafe { ::std::slice::from_raw_parts(path, length) };
                // SAFETY: the caller guarantees that the file is a plugin of this workspace. Its initializers may run here.
                let plugin = unsafe { <$plugin>::load(&*String::from_utf8_lossy(path)) }?;
                // SAFETY: `export_operations!` exports `probe` with the type `Probe`. Dropping `plugin` keeps the plugin
                // loaded.
                unsafe { plugin.get::<$crate::probe::Probe>(b"probe") }.map(|probe| *probe)
            };
            match load() {
                Ok(probe) => Some(probe),
                Err(error) => {
                    let reason = error.to_string();
                    // SAFETY: the caller guarantees that `write` accepts `to`. The reason lives until `write` returns.
                    unsafe { write(to, reason.as_ptr(), reason.len()) };
                    None
                }
            }
        }
    };
}
