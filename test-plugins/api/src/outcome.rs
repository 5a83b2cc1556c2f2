//! The outcome of an operation.

use std::any::Any;

/// The outcome of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done {
        number: u64,
        text: String,
    },
    /// The operation panicked with this message.
    Panicked(String),
    /// The binary does not know the operation.
    Unknown,
}

impl Outcome {
    /// Returns the number of an operation that must have succeeded.
    #[track_caller]
    pub fn number(self) -> u64 {
        match self {
            Outcome::Done { number, .. } => number,
            other => panic!("the operation failed: {other:?}"),
        }
    }

    /// Returns the text of an operation that must have succeeded.
    #[track_caller]
    pub fn text(self) -> String {
        match self {
            Outcome::Done { text, .. } => text,
            other => panic!("the operation failed: {other:?}"),
        }
    }

    /// Returns the message of an operation that must have panicked.
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

/// The name of an operation and its function.
pub type Operation = (&'static str, fn(u64) -> Outcome);

/// The message in a panic's payload.
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("not text").to_owned()
}

/// The address of `value`.
pub fn address<T>(value: &T) -> Outcome {
    Outcome::from(std::ptr::from_ref(value).addr() as u64)
}

/// Runs an operation that returns nothing.
pub fn done(operation: impl FnOnce()) -> Outcome {
    operation();
    Outcome::from(())
}
