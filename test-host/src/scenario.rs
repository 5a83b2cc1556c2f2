//! What a scenario is.

use serde::Serialize;

use crate::bench::Bench;

/// One behaviour, shown with real plugins in a process of its own.
#[derive(Serialize)]
pub struct Scenario {
    pub name: &'static str,
    pub group: &'static str,
    /// What must be true.
    pub summary: &'static str,
    /// Whether host and plugins must come from the same compiler.
    pub compilers: Compilers,
    /// How the features of host and plugins may be built.
    pub builds: &'static [Build],
    /// The process must abort, with this text on its standard error.
    pub abort: Option<&'static str>,
    #[serde(skip)]
    pub run: fn(&Bench),
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum Compilers {
    Same,
    Any,
    Different,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    /// The host with the feature `host`, the plugins with the feature `plugin`.
    Apart,
    /// Everything with both, as in a workspace that is built at once.
    Unified,
}

impl Scenario {
    /// A scenario that runs wherever one compiler has built host and plugins.
    pub const fn new(group: &'static str, name: &'static str, summary: &'static str, run: fn(&Bench)) -> Self {
        let builds = &[Build::Apart, Build::Unified];
        Scenario { name, group, summary, compilers: Compilers::Same, builds, abort: None, run }
    }

    pub const fn compilers(self, compilers: Compilers) -> Self {
        Scenario { compilers, ..self }
    }

    pub const fn only(self, builds: &'static [Build]) -> Self {
        Scenario { builds, ..self }
    }

    pub const fn aborts(self, text: &'static str) -> Self {
        Scenario { abort: Some(text), ..self }
    }
}
