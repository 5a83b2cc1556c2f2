//! All scenarios, by topic.

mod building;
mod compilers;
mod connection;
mod ending;
mod host_library;
mod identity;
mod late;
mod loading;
mod memory;
mod reloading;
mod sharing;
mod threads;
mod types;
mod unloading;
mod verification;

use crate::scenario::Scenario;

/// Every scenario there is.
pub fn all() -> Vec<&'static Scenario> {
    let topics = [
        building::SCENARIOS,
        compilers::SCENARIOS,
        connection::SCENARIOS,
        ending::SCENARIOS,
        host_library::SCENARIOS,
        identity::SCENARIOS,
        late::SCENARIOS,
        loading::SCENARIOS,
        memory::SCENARIOS,
        reloading::SCENARIOS,
        sharing::SCENARIOS,
        threads::SCENARIOS,
        types::SCENARIOS,
        unloading::SCENARIOS,
        verification::SCENARIOS,
    ];
    topics.into_iter().flatten().collect()
}
