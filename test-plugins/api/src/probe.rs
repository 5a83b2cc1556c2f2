//! Running an operation in another binary.
//!
//! A plugin exports one function, `probe`. It takes an operation's name and a number, and tells what came of it: a number
//! and a text. A panic is caught within the binary it happened in and told like everything else.

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::operations::TABLES;

/// What an operation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done {
        number: u64,
        text: String,
    },
    /// The operation panicked; with what, if it was text.
    Panicked(String),
    /// The binary does not know the operation.
    Unknown,
}

impl Outcome {
    /// The number of an operation that must have worked.
    #[track_caller]
    pub fn number(self) -> u64 {
        match self {
            Outcome::Done { number, .. } => number,
            other => panic!("the operation did not work: {other:?}"),
        }
    }

    /// The text of an operation that must have worked.
    #[track_caller]
    pub fn text(self) -> String {
        match self {
            Outcome::Done { text, .. } => text,
            other => panic!("the operation did not work: {other:?}"),
        }
    }

    /// The message of an operation that must have panicked.
    #[track_caller]
    pub fn panic(self) -> String {
        match self {
            Outcome::Panicked(message) => message,
            other => panic!("the operation did not panic: {other:?}"),
        }
    }
}

impl From<u64> for Outcome {
    fn from(number: u64) -> Self {
        Outcome::Done { number, text: String::new() }
    }
}

impl From<String> for Outcome {
    fn from(text: String) -> Self {
        Outcome::Done { number: 0, text }
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Outcome::from(0)
    }
}

/// A named operation.
pub type Operation = (&'static str, fn(u64) -> Outcome);

/// Runs the operation `name` of this crate, or of one of `tables`, in this binary.
pub fn run(tables: &[&[Operation]], name: &str, argument: u64) -> Outcome {
    let mut operations = TABLES.iter().chain(tables).copied().flatten();
    let Some((_, operation)) = operations.find(|(known, _)| *known == name) else {
        return Outcome::Unknown;
    };
    catch_unwind(AssertUnwindSafe(|| operation(argument)))
        .unwrap_or_else(|payload| Outcome::Panicked(message(&*payload)))
}

/// What a panic said.
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("not text").to_owned()
}

/// Where a plugin writes an outcome's text to.
pub type Write = unsafe extern "C" fn(to: *mut c_void, text: *const u8, length: usize);
/// What a plugin exports as `probe`.
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
    /// `probe` was exported by [`export_operations!`](crate::export_operations), and its plugin stays loaded.
    pub unsafe fn new(probe: Probe) -> Self {
        Operations(probe)
    }

    /// Runs the operation `name` in the plugin.
    pub fn call(&self, name: &str, argument: u64) -> Outcome {
        unsafe extern "C" fn write(to: *mut c_void, text: *const u8, length: usize) {
            // SAFETY: `to` is the string below, lent for the call; the text is the plugin's, valid for this call.
            unsafe {
                let text = std::slice::from_raw_parts(text, length);
                (*to.cast::<String>()).push_str(&String::from_utf8_lossy(text));
            }
        }
        let (mut number, mut text) = (0, String::new());
        // SAFETY: name, number and text are alive for the call.
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
/// As [`Operations::call`] calls it.
pub unsafe fn answer(
    tables: &[&[Operation]],
    (name, length): (*const u8, usize),
    argument: u64,
    number: *mut u64,
    write: Write,
    to: *mut c_void,
) -> u32 {
    // SAFETY: the caller's word.
    let name = unsafe { std::slice::from_raw_parts(name, length) };
    let (status, value, text) = match run(tables, &String::from_utf8_lossy(name), argument) {
        Outcome::Done { number, text } => (0, number, text),
        Outcome::Panicked(message) => (1, 0, message),
        Outcome::Unknown => (2, 0, String::new()),
    };
    // SAFETY: the caller's word.
    unsafe {
        *number = value;
        write(to, text.as_ptr(), text.len());
    }
    status
}

/// Exports `probe` from a plugin: the operations of this crate, and of further tables.
#[macro_export]
macro_rules! export_operations {
    ($($table:expr),*) => {
        /// See `test_api::probe`.
        ///
        /// # Safety
        ///
        /// As `Operations::call` calls it.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn probe(
            name: *const u8,
            length: usize,
            argument: u64,
            number: *mut u64,
            write: $crate::probe::Write,
            to: *mut ::std::ffi::c_void,
        ) -> u32 {
            // SAFETY: the caller's word.
            unsafe { $crate::probe::answer(&[$($table),*], (name, length), argument, number, write, to) }
        }
    };
}
