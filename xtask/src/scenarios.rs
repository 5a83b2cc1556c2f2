//! Lists the scenarios of the host, runs each in a process of its own, and judges how the process ended.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use test_plan::Scenario;

use crate::build::{Builder, Products, Workspace};
use crate::process::{self, Finished};
use crate::report::Report;
use crate::settings::Setting;

/// How long the host may take to list its scenarios.
const LISTING: Duration = Duration::from_secs(60);

/// The scenarios to run, and the time limit for each.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    /// A part of the name.
    pub(crate) filter: Option<&'a str>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) timeout: Duration,
}

impl Selection<'_> {
    fn scenarios<'s>(&self, setting: Setting, all: &'s [Scenario]) -> Vec<&'s Scenario> {
        all.iter()
            .filter(|scenario| self.filter.is_none_or(|part| scenario.name.contains(part)))
            .filter(|scenario| setting.runs(scenario.compilers))
            .collect()
    }
}

/// Runs the demo of the host. Returns the exit code of the host.
pub(crate) fn demo(builder: &mut Builder<'_>) -> Result<ExitCode> {
    let Some(products) = builder.products(Setting::DebugApart) else { bail!("the demo did not build") };
    let mut command = Command::new(&products.host);
    process::clean_environment(&mut command);
    command.arg("demo").arg("--plugins").arg(&products.folder).current_dir(&builder.workspace().root);
    let status = command.status().with_context(|| format!("cannot start {}", process::describe(&command)))?;
    match status.code() {
        Some(code) => Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)),
        None => bail!("the demo died: {status}"),
    }
}

/// Builds every selected setting and runs its scenarios.
pub(crate) fn run(selection: &Selection<'_>, builder: &mut Builder<'_>, report: &Report) -> Result<()> {
    let mut chosen = 0;
    let mut broken = false;
    for &setting in &selection.settings {
        let unavailable = builder.unavailable(setting);
        // Skipped scenarios are counted, so list them with a host that can be built.
        let lister = if unavailable.is_some() { Setting::DebugApart } else { setting };
        let Some(products) = builder.products(lister) else {
            broken = true;
            continue;
        };
        let all = match list(builder.workspace(), &products) {
            Ok(all) => all,
            Err(error) => {
                report.failed(&format!("{}: list of scenarios", setting.name()), &format!("{error:#}"));
                broken = true;
                continue;
            }
        };
        let scenarios = selection.scenarios(setting, &all);
        chosen += scenarios.len();
        if scenarios.is_empty() {
            continue;
        }
        match unavailable {
            Some(why) => report.skipped(setting.name(), scenarios.len(), &why),
            None => {
                let environment = Environment { workspace: builder.workspace(), products: &products, setting };
                run_all(&environment, &scenarios, selection.timeout, report);
            }
        }
    }
    report.expect_nothing();
    if chosen == 0 && !broken {
        let settings: Vec<_> = selection.settings.iter().map(|setting| setting.name()).collect();
        let filter = selection.filter.map(|part| format!(" has {part:?} in its name and")).unwrap_or_default();
        bail!("no scenario{filter} belongs to one of the settings {}", settings.join(", "));
    }
    Ok(())
}

fn list(workspace: &Workspace, products: &Products) -> Result<Vec<Scenario>> {
    let mut command = Command::new(&products.host);
    process::clean_environment(&mut command);
    command.arg("list").current_dir(&workspace.root);
    let finished = process::capture(&mut command, Some(LISTING))?;
    let shown = || format!("{} list", workspace.relative(&products.host).display());
    ensure!(finished.success(), "{}: {}\n{}", shown(), finished.how_it_ended(), finished.stderr);
    let scenarios: Vec<Scenario> = serde_json::from_str(&finished.stdout)
        .with_context(|| format!("{} prints something other than a JSON array of scenarios", shown()))?;
    ensure!(!scenarios.is_empty(), "{} prints an empty array: the host has no scenarios", shown());
    Ok(scenarios)
}

/// The setting and the products with which scenarios run.
#[derive(Debug)]
struct Environment<'a> {
    workspace: &'a Workspace,
    products: &'a Products,
    setting: Setting,
}

/// Runs the scenarios, as many at once as there are processors.
fn run_all(environment: &Environment<'_>, scenarios: &[&Scenario], timeout: Duration, report: &Report) {
    let setting = environment.setting.name();
    report.heading(&format!("{setting}: {} scenarios", scenarios.len()));
    report.expect(scenarios.len(), setting);
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(scenarios.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // Relaxed is enough, because the counter only distributes indices.
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run_one(environment, scenario, timeout, report);
                }
            });
        }
    });
    report.expect_nothing();
}

fn run_one(environment: &Environment<'_>, scenario: &Scenario, timeout: Duration, report: &Report) {
    let name = format!("{} {}", environment.setting.name(), scenario.name);
    report.started(&scenario.name);
    let mut command = environment.command(scenario);
    let (what, output, elapsed) = match process::capture(&mut command, Some(timeout)) {
        Ok(finished) => match judge(scenario.abort.as_deref(), finished.status, &finished.stderr, timeout) {
            Ok(()) => return report.passed(&name, finished.elapsed),
            Err(what) => (what, output_of(&finished), finished.elapsed),
        },
        Err(error) => (format!("{error:#}"), String::new(), Duration::ZERO),
    };
    let again = environment.how_to_run_again(scenario);
    let Scenario { group, summary, .. } = scenario;
    let elapsed = elapsed.as_secs_f64();
    report.failed(&name, &format!("{group}: {summary}\n{what} ({elapsed:.1} s)\n{again}\n{output}"));
}

impl Environment<'_> {
    /// The executable that runs the setting's scenarios.
    fn host(&self) -> &Path {
        if self.setting == Setting::ReleaseApartFallback { &self.products.library_host } else { &self.products.host }
    }

    fn command(&self, scenario: &Scenario) -> Command {
        let mut command = Command::new(self.host());
        process::clean_environment(&mut command);
        command.arg("run").arg(&scenario.name).arg("--plugins").arg(&self.products.folder);
        // The setting alone decides about these variables, not the environment of this program.
        command.env_remove(test_plan::SANITIZER).envs(self.setting.environment().iter().copied());
        command.current_dir(&self.workspace.root);
        command
    }

    fn how_to_run_again(&self, scenario: &Scenario) -> String {
        let variables: String =
            self.setting.environment().iter().map(|(name, value)| format!("{name}={value} ")).collect();
        format!(
            "again:    cargo xtask test-plugins --no-unit --setting {} --filter {}\n\
             directly: {variables}{} run {} --plugins {}",
            self.setting.name(),
            scenario.name,
            self.workspace.relative(self.host()).display(),
            scenario.name,
            self.workspace.relative(&self.products.folder).display(),
        )
    }
}

fn output_of(finished: &Finished) -> String {
    let part = |title: &str, text: &str| {
        let text = if text.trim().is_empty() { "(nothing)" } else { text.trim_end() };
        format!("--- {title}\n{text}\n")
    };
    part("stdout", &finished.stdout) + &part("stderr", &finished.stderr)
}

/// Checks that a process ended as its scenario requires. The error says what happened instead.
fn judge(abort: Option<&str>, status: Option<ExitStatus>, stderr: &str, timeout: Duration) -> Result<(), String> {
    let Some(status) = status else {
        return Err(format!("hung: killed after {} s", timeout.as_secs()));
    };
    match abort {
        None if status.success() => Ok(()),
        None if status.code().is_none() => Err(format!("crashed: {status}")),
        None => Err(format!("failed: {status}")),
        Some(_) if !aborted(status) => Err(format!("should have aborted, but: {status}")),
        Some(text) if !stderr.contains(text) => {
            Err(format!("aborted as expected, but stderr does not contain {text:?}"))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(unix)]
fn aborted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;

    /// The number is the same on all Unix systems.
    const SIGABRT: i32 = 6;
    status.signal() == Some(SIGABRT)
}

#[cfg(not(unix))]
fn aborted(status: ExitStatus) -> bool {
    !status.success()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[
        {"name": "shared", "group": "share", "summary": "s", "compilers": "same", "abort": null},
        {"name": "other_compiler", "group": "verify", "summary": "s", "compilers": "different", "abort": null},
        {"name": "any_compiler", "group": "share", "summary": "s", "compilers": "any", "abort": "destructor"}
    ]"#;

    fn names(filter: Option<&str>, setting: Setting) -> Vec<String> {
        let all: Vec<Scenario> = serde_json::from_str(LIST).expect("the list is valid");
        let selection = Selection { filter, settings: vec![setting], timeout: Duration::ZERO };
        selection.scenarios(setting, &all).iter().map(|scenario| scenario.name.clone()).collect()
    }

    #[test]
    fn a_setting_runs_the_scenarios_that_fit_it() {
        assert_eq!(names(None, Setting::DebugApart), ["shared", "any_compiler"]);
        assert_eq!(names(None, Setting::ReleaseApartFallback), ["shared", "any_compiler"]);
        assert_eq!(names(None, Setting::NightlyHostStablePlugins), ["other_compiler", "any_compiler"]);
    }

    #[test]
    fn a_filter_is_a_part_of_the_name() {
        assert_eq!(names(Some("any"), Setting::DebugUnified), ["any_compiler"]);
        assert_eq!(names(Some("nothing"), Setting::DebugUnified), [""; 0]);
    }

    #[cfg(unix)]
    mod outcome {
        use std::os::unix::process::ExitStatusExt;

        use super::*;

        /// `raw` is the status that `wait` returns, with the exit code in the second byte and the signal in the first.
        fn judged(abort: Option<&str>, raw: Option<i32>, stderr: &str) -> Result<(), String> {
            judge(abort, raw.map(ExitStatus::from_raw), stderr, Duration::from_secs(60))
        }

        #[test]
        fn only_exit_code_zero_passes() {
            assert_eq!(judged(None, Some(0), "noise"), Ok(()));
            assert_eq!(judged(None, Some(3 << 8), ""), Err("failed: exit status: 3".into()));
            assert_eq!(judged(None, Some(11), ""), Err("crashed: signal: 11 (SIGSEGV)".into()));
            assert_eq!(judged(None, Some(6), ""), Err("crashed: signal: 6 (SIGABRT)".into()));
            assert_eq!(judged(None, None, ""), Err("hung: killed after 60 s".into()));
        }

        #[test]
        fn a_scenario_that_must_abort_passes_only_if_it_aborts_with_its_message() {
            let wanted = Some("cannot go on");
            assert_eq!(judged(wanted, Some(6), "fatal: cannot go on\n"), Ok(()));
            assert!(judged(wanted, Some(6), "something else").is_err_and(|what| what.contains("\"cannot go on\"")));
            for other in [0, 11, 1 << 8, 134 << 8] {
                let judged = judged(wanted, Some(other), "cannot go on");
                assert!(judged.is_err_and(|what| what.starts_with("should have aborted")), "{other}");
            }
            assert!(judged(wanted, None, "cannot go on").is_err_and(|what| what.starts_with("hung")));
        }
    }
}
