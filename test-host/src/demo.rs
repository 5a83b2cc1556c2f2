//! A tour of the library. Two plugins share a request, a registry and counters with the host. Each thread has its own
//! request. A newer build replaces one of the plugins while the program runs.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use demo_api::{COMMANDS, REQUEST, RUN_HERE, Request, Totals, plain};
use plugin_tls::host::{LoadError, Plugin, snapshot};

use crate::bench::Bench;

/// Runs the tour and prints each step.
pub fn run(bench: &Bench) -> Result<(), Box<dyn Error>> {
    // The tour overwrites this copy of the plugin later, as a developer's rebuild does.
    let folder = tempfile::tempdir()?;
    let greeter = folder.path().join("greeter.so");
    fs::copy(bench.path("demo-greeter"), &greeter)?;

    println!("The host loads two plugins. Each adds a command to a registry that the host owns:");
    let plugins = [load(&greeter)?, load(&bench.path("demo-audit"))?];

    println!("\nTwo threads serve requests. The host sets the request, the plugins' commands read it:");
    // Keep both threads and their values alive until the snapshot has been taken.
    let (served, seen) = (Barrier::new(3), Barrier::new(3));
    let worker = |user: &'static str, requests: u32| {
        let (served, seen) = (&served, &seen);
        move || {
            let report = serve(user, requests);
            served.wait();
            seen.wait();
            report
        }
    };
    let (reports, mut items) = thread::scope(|scope| {
        let workers = [("Ada", 1), ("Grace", 2)].map(|(user, requests)| scope.spawn(worker(user, requests)));
        served.wait();
        let items = snapshot();
        seen.wait();
        (workers.map(|worker| worker.join().expect("a worker does not panic")), items)
    });
    reports.iter().for_each(|report| print!("{report}"));

    println!("\nThe whole process has one total. Each binary has its own copy of a plain static:");
    println!("  {:<32} plugin_tls::lazy_static!  static", "");
    let show = |name, Totals { shared, plain }| println!("  {name:<32} {shared:<25} {plain}");
    show("test-host", demo_api::totals());
    for plugin in &plugins {
        // SAFETY: the plugins of the demo export a function of this name and type.
        let totals = unsafe { plugin.get::<extern "C" fn() -> Totals>(b"totals")? };
        show(plugin.name(), totals());
    }

    items.retain(|item| item.path.starts_with("demo_api::"));
    println!("\nThe demo's items in the store while both threads were running:\n{items}");

    println!("\nThe greeter is unloaded, overwritten by a newer build, and loaded again:");
    let [old, _audit] = plugins;
    // SAFETY: the greeter exports a function of this name and type.
    let uninstall = unsafe { old.get::<extern "C" fn()>(b"uninstall")? };
    uninstall();
    // SAFETY: `uninstall` removed the plugin's functions from the registry, which was the only place that had them. The
    // threads that called them have ended.
    let unloaded = unsafe { old.unload()? };
    println!("  still in memory: {}", if unloaded.is_unmapped() { "no" } else { "yes" });
    fs::remove_file(&greeter)?;
    fs::copy(bench.path("demo-greeter-next"), &greeter)?;
    let _new = load(&greeter)?;
    print!("{}", serve("Ada", 1));
    println!("  the total continues: {}", demo_api::totals().shared);
    Ok(())
}

fn load(path: &Path) -> Result<Plugin, LoadError> {
    // SAFETY: the file is a plugin of this workspace, and its initializers may run here.
    let plugin = unsafe { Plugin::load(path)? };
    // SAFETY: the plugins of the demo export a function of this name and type.
    let install = unsafe { plugin.get::<extern "C" fn()>(b"install")? };
    install();
    let commands: Vec<_> = COMMANDS.lock().expect("no command panics").keys().cloned().collect();
    println!("  {}: the commands are now {}", plugin.name(), commands.join(" and "));
    Ok(plugin)
}

/// Runs every command for each of this thread's requests. Returns a report.
fn serve(user: &str, requests: u32) -> String {
    let mut report = format!("  the thread of {user}\n");
    let commands = COMMANDS.lock().expect("no command panics").clone();
    for id in 1..=requests {
        REQUEST.set(Request { id, user: user.to_owned() });
        for (name, command) in &commands {
            let _ = writeln!(report, "    {name:<6} {}", command());
        }
    }
    let _ = writeln!(report, "    plugin_tls::thread_local!  {} commands, seen by the host", RUN_HERE.get());
    let _ = writeln!(report, "    std::thread_local!         {} commands, seen by the host", plain::RUN_HERE.get());
    report
}
