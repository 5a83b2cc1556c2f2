//! All scenarios, by topic.

mod allocators;
mod building;
mod compilers;
mod connection;
mod crates;
mod ending;
mod hidden_state;
mod host_library;
mod identity;
mod late;
mod loading;
mod memory;
mod reloading;
mod report;
mod sharing;
mod threads;
mod types;
mod unloading;
mod verification;

use crate::scenario::Scenario;

/// All scenarios.
pub fn all() -> Vec<Scenario> {
    let topics = [
        allocators::scenarios(),
        building::scenarios(),
        compilers::scenarios(),
        connection::scenarios(),
        crates::scenarios(),
        ending::scenarios(),
        hidden_state::scenarios(),
        host_library::scenarios(),
        identity::scenarios(),
        late::scenarios(),
        loading::scenarios(),
        memory::scenarios(),
        reloading::scenarios(),
        report::scenarios(),
        sharing::scenarios(),
        threads::scenarios(),
        types::scenarios(),
        unloading::scenarios(),
        verification::scenarios(),
    ];
    topics.into_iter().flatten().collect()
}
