//! Loads real plugins and runs scenarios with them.
//!
//! The host is a library. Two executables run it: `test-host` is linked with it, and so is the host itself;
//! `test-host-as-library` opens it as a dynamic library, which is the host then.
//!
//! `test-host list` prints the scenarios as JSON. `test-host run NAME --plugins DIR` runs one of them in this process,
//! which then exits with an error, crashes or hangs if the scenario fails. `test-host demo --plugins DIR` shows what
//! the library is for.

mod bench;
mod counting;
mod demo;
mod scenario;
mod scenarios;
mod stable;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use bench::Bench;

/// A host that loads test plugins and runs scenarios with them.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows what the host and its plugins share.
    Demo {
        /// The folder with the plugins.
        #[arg(long)]
        plugins: PathBuf,
    },
    /// Prints all scenarios as JSON.
    List,
    /// Runs one scenario in this process.
    Run {
        /// The scenario's name.
        name: String,
        /// The folder with the plugins.
        #[arg(long)]
        plugins: PathBuf,
    },
}

/// What [`main`] returns, for the executable that opens this library.
#[unsafe(no_mangle)]
pub extern "C" fn test_host_main() -> bool {
    main() == ExitCode::SUCCESS
}

/// Runs what the command line says.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo { plugins } => match demo::run(&Bench::new(plugins)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        Command::List => match serde_json::to_string_pretty(&plans()) {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("cannot print the scenarios: {error}");
                ExitCode::FAILURE
            }
        },
        Command::Run { name, plugins } => {
            let Some(scenario) = scenarios::all().into_iter().find(|scenario| scenario.plan.name == name) else {
                eprintln!("there is no scenario {name:?}; `test-host list` prints all scenarios");
                return ExitCode::FAILURE;
            };
            // A scenario that fails panics, so that the process exits with an error.
            (scenario.run)(&Bench::new(plugins));
            ExitCode::SUCCESS
        }
    }
}

fn plans() -> Vec<test_plan::Scenario> {
    scenarios::all().into_iter().map(|scenario| scenario.plan).collect()
}
