//! The items that the benchmarks measure besides std's: those of this workspace, and those of the crates that it is
//! compared with. The host and the plugin both link this crate, so they have the same items and the same code.

#![forbid(unsafe_code)]

mod others;
mod ours;
mod peer_items;

use bench_timing::{Measured, Subject, Work};

/// Finds what a work measures of a subject that the host and the plugin both have.
#[must_use]
pub fn find(work: Work, subject: Subject) -> Option<Measured> {
    match subject {
        Subject::Ours => ours::find(work),
        Subject::Peer => peer_items::find(work),
        Subject::LazyStatic | Subject::OnceCell => others::find(work, subject),
        _ => bench_timing::find_reference(work, subject),
    }
}
