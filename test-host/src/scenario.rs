//! A scenario: its description and the function that runs it.

use test_plan::Compilers;

use crate::bench::Bench;

/// One behaviour of the library, checked with real plugins in a process of its own.
pub struct Scenario {
    pub plan: test_plan::Scenario,
    /// Panics if the library behaves otherwise.
    pub run: fn(&Bench),
}

impl Scenario {
    /// A scenario with one compiler for the host and the plugins.
    pub fn new(group: &str, name: &str, summary: &str, run: fn(&Bench)) -> Self {
        let plan = test_plan::Scenario {
            name: name.to_owned(),
            group: group.to_owned(),
            summary: summary.to_owned(),
            compilers: Compilers::Same,
            abort: None,
        };
        Scenario { plan, run }
    }

    pub fn compilers(mut self, compilers: Compilers) -> Self {
        self.plan.compilers = compilers;
        self
    }

    /// The process must abort with `text` on its standard error.
    pub fn aborts(mut self, text: &str) -> Self {
        self.plan.abort = Some(text.to_owned());
        self
    }
}
