//! All scenarios, by topic.

mod sharing;

use crate::scenario::Scenario;

/// Every scenario there is.
pub fn all() -> Vec<&'static Scenario> {
    [sharing::SCENARIOS].into_iter().flatten().collect()
}
