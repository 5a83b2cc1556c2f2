//! A tour: two plugins share a request, a registry and counters with the host, and each thread has its own.

use std::fmt::Write;
use std::sync::Barrier;
use std::thread;

use demo_api::{COMMANDS, REQUEST, RUN_HERE, Request, Totals, plain};
use plugin_tls::host::{LoadError, Plugin, SnapshotKind, snapshot};

use crate::bench::Bench;

/// Runs the tour and prints what happens.
pub fn run(bench: &Bench) -> Result<(), LoadError> {
    println!("The host loads two plugins. Each fills the registry of commands that the host owns:");
    let plugins = [load(bench, "demo-greeter")?, load(bench, "demo-audit")?];

    println!("\nTwo threads serve requests. The host sets the request, the plugins' commands read it:");
    // Both threads still live, with their values, while the snapshot is taken.
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
    let (reports, items) = thread::scope(|scope| {
        let workers = [("Ada", 1), ("Grace", 2)].map(|(user, requests)| scope.spawn(worker(user, requests)));
        served.wait();
        let items = describe_items();
        seen.wait();
        (workers.map(|worker| worker.join().expect("a worker does not panic")), items)
    });
    reports.iter().for_each(|report| print!("{report}"));

    println!("\nThe total is one for the whole process. Of a plain static, each binary has counted its own:");
    println!("  {:<32} plugin_tls::lazy_static!  static", "");
    let show = |name, Totals { shared, plain }| println!("  {name:<32} {shared:<25} {plain}");
    show("test-host", demo_api::totals());
    for plugin in &plugins {
        // SAFETY: the plugins of the demo export a function of this name and type.
        let totals = unsafe { plugin.get::<extern "C" fn() -> Totals>(b"totals")? };
        show(plugin.name(), totals());
    }

    print!("\nWhat the store held while both threads were at work:\n{items}");
    Ok(())
}

fn load(bench: &Bench, name: &str) -> Result<Plugin, LoadError> {
    // SAFETY: a plugin of this workspace.
    let plugin = unsafe { Plugin::load(bench.path(name))? };
    // SAFETY: the plugins of the demo export a function of this name and type.
    let install = unsafe { plugin.get::<extern "C" fn()>(b"install")? };
    install();
    let commands: Vec<_> = COMMANDS.lock().expect("no command panics").keys().cloned().collect();
    println!("  {}: the commands are {} now", plugin.name(), commands.join(" and "));
    Ok(plugin)
}

/// What a thread does: it runs every command for each of its requests. Returns what it has seen.
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

/// The demo's part of the snapshot.
fn describe_items() -> String {
    let mut text = String::new();
    for item in snapshot().items().iter().filter(|item| item.item.starts_with("demo_api::")) {
        let values = match item.kind {
            SnapshotKind::ThreadLocal => format!("{} threads", item.threads),
            _ => item.state.to_string(),
        };
        let kind = item.kind.to_string();
        let _ = writeln!(text, "  {:<19} {kind:<13} {values:<10} in {}", item.item, item.binaries.join(", "));
    }
    text
}
