//! The interface between the test host and `cargo xtask test-plugins`.
//!
//! `test-host list` prints a JSON array of [`Scenario`]s. xtask reads it, chooses the scenarios of each setting, and
//! runs `test-host run NAME` with the environment variables below.

use serde::{Deserialize, Serialize};

/// If this environment variable is `1`, the host and its plugins are instrumented by a sanitizer, which delays the
/// reuse of freed memory. Scenarios then do not measure the size of the process.
pub const SANITIZER: &str = "TEST_HOST_SANITIZER";

/// Describes one scenario: a behaviour of the library that the test host checks in a process of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scenario {
    pub name: String,
    pub group: String,
    /// The behaviour in one sentence.
    pub summary: String,
    pub compilers: Compilers,
    /// If set, the scenario passes only if the process aborts with this text on its standard error.
    pub abort: Option<String>,
}

/// Whether a scenario needs the host and the plugins to come from the same compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compilers {
    Same,
    Any,
    Different,
}
