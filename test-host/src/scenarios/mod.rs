//! All scenarios, by topic.

mod sharing;
mod unloading;

use crate::scenario::Scenario;

/// Every scenario there is.
pub fn all() -> Vec<&'static Scenario> {
    [sharing::SCENARIOS, unloading::SCENARIOS].into_iter().flatten().collect()
}
