//! Why an access failed, in words.

#![forbid(unsafe_code)]

use crate::error::{AccessError, AccessErrorReason};
use crate::item::RawItem;

/// Why an access failed, with details for the panic message.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: AccessError,
    /// Empty where the reason says it all.
    detail: String,
}

impl Refusal {
    pub(super) fn new(reason: AccessErrorReason, detail: String) -> Self {
        Refusal { error: AccessError::new(reason), detail }
    }

    /// Panics, for an access that returns no `Result`.
    #[cold]
    #[track_caller]
    pub(crate) fn panic(&self, item: &'static RawItem) -> ! {
        let path = item.path();
        let what = match self.error.reason() {
            AccessErrorReason::Destroyed => {
                "cannot access a Thread Local Storage value during or after destruction".to_owned()
            }
            _ if item.is_thread_local() => "cannot access a shared thread-local".to_owned(),
            _ => "cannot access a shared static".to_owned(),
        };
        let separator = if self.detail.is_empty() { "" } else { "\n" };
        panic!("{what}: {:?}: `{path}`: {}{separator}{}", self.error, self.error, self.detail)
    }
}
