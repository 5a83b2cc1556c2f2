//! What the benchmarks measure besides std: this workspace's items, and those of the crates that it is compared with. Host
//! and plugin link this crate both, so that they have the same items and the same code.

mod others;
mod ours;
mod peer_items;

use bench_timing::{Measured, Subject, Work};

/// What host and plugin both have to offer for a work.
#[must_use]
pub fn find(work: Work, subject: Subject) -> Option<Measured> {
    match subject {
        Subject::Ours => ours::find(work),
        Subject::Peer => peer_items::find(work),
        Subject::LazyStatic | Subject::OnceCell => others::find(work, subject),
        _ => bench_timing::find_reference(work, subject),
    }
}
