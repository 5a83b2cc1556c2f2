//! Checks formatting, lints and documentation, and that plugins contain neither the store nor the loader.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use object::{FileKind, Object, ObjectSymbol};

use crate::build::{Builder, Plugin, Workspace};
use crate::process;
use crate::report::Report;
use crate::settings::Setting;

/// The packages that are published, whose documentation must have no warnings.
const PUBLISHED: &[&str] = &[
    "plugin_tls",
    "plugin_tls_abi",
    "plugin_tls_abi_stable",
    "plugin_tls_core",
    "plugin_tls_macros",
    "plugin_tls_store",
];
const PLUGIN_ONLY: &str = "plugin-only build has no store and no loader";
/// Packages that only hosts depend on.
const HOST_PACKAGES: &[&str] = &["libloading", "comfy-table", "object"];
/// The package, and a part of the mangled names of its symbols. Plugins must have such symbols.
const FACADE: &str = "plugin_tls";
/// Parts of the mangled names of the store and the loader. Plugins must not have such symbols.
const HOST_MODULES: &[&str] = &["16plugin_tls_store", "plugin_tls4host"];
/// Plugins that have a store: two are libraries as well, and one becomes a host when it is asked to.
const WITH_STORE: &[&str] = &["test-plugin-by-hand", "test-plugin-linked-one", "test-plugin-linked-two"];

/// Checks formatting, lints for every combination of features, and documentation. Each step is one check. A failure
/// does not stop the others.
pub(crate) fn lints(workspace: &Workspace, report: &Report) -> Result<()> {
    let published: String = PUBLISHED.iter().map(|package| format!(" -p {package}")).collect();
    let doc = format!("doc --no-deps{published} --features plugin_tls/host,plugin_tls/plugin");
    let mut steps: Vec<Vec<String>> =
        vec![words("fmt --all --check"), words("clippy --workspace --all-targets -- -D warnings")];
    steps.extend(feature_combinations(&["host", "plugin"]).iter().map(|features| {
        let features = if features.is_empty() { String::new() } else { format!("--features {features} ") };
        words(&format!("clippy -p plugin_tls {features}-- -D warnings"))
    }));
    // Both with and without private items: only the latter reports public documentation that links to private items.
    steps.extend([words(&doc), words(&format!("{doc} --document-private-items"))]);

    report.heading("formatting, lints, documentation");
    report.expect(steps.len(), "lints");
    for step in steps {
        let name = format!("cargo {}", step.join(" "));
        report.started(&name);
        let mut command = process::cargo(&workspace.root);
        command.args(&step);
        if step.first().is_some_and(|subcommand| subcommand == "doc") {
            command.env("RUSTDOCFLAGS", "-D warnings");
        }
        let finished = process::capture_merged(&mut command)?;
        if finished.success() {
            report.passed(&name, finished.elapsed);
        } else {
            report.failed(&name, &format!("{}\n--- output\n{}", finished.how_it_ended(), finished.stdout));
        }
    }
    report.expect_nothing();
    Ok(())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// All subsets of `features`, separated by commas for `--features`. The empty one is first.
fn feature_combinations(features: &[&str]) -> Vec<String> {
    let subset = |bits: usize| {
        let chosen = features.iter().enumerate().filter(|(index, _)| bits & (1 << index) != 0);
        chosen.map(|(_, feature)| *feature).collect::<Vec<_>>().join(",")
    };
    (0..1 << features.len()).map(subset).collect()
}

/// Checks that the feature `plugin` alone adds neither the store nor the loader, by packages and by symbols.
pub(crate) fn plugin_only(builder: &mut Builder<'_>, report: &Report) -> Result<()> {
    // Build before the heading, because a build prints its own headings.
    let products = builder.products(Setting::DebugApart);
    report.heading(PLUGIN_ONLY);

    let start = Instant::now();
    let name = format!("{PLUGIN_ONLY}: packages");
    match packages(builder.workspace()) {
        Ok(()) => report.passed(&name, start.elapsed()),
        Err(error) => report.failed(&name, &format!("{error:#}")),
    }

    let start = Instant::now();
    let name = format!("{PLUGIN_ONLY}: symbols");
    let Some(products) = products else {
        report.failed(&name, "the plugins cannot be checked, because debug-apart did not build");
        return Ok(());
    };
    match symbols(&products.plugins) {
        Ok(Format::Elf) => report.passed(&name, start.elapsed()),
        Ok(Format::Other) => report.skipped(&name, 1, "only the symbol tables of ELF files can be read"),
        Err(error) => report.failed(&name, &format!("{error:#}")),
    }
    Ok(())
}

fn packages(workspace: &Workspace) -> Result<()> {
    check_packages(&process::tree(&workspace.root, &["-p", FACADE, "--features", "plugin", "-e", "normal"])?)
}

fn check_packages(tree: &str) -> Result<()> {
    let names = process::packages_in(tree, FACADE)?;
    for package in HOST_PACKAGES {
        ensure!(!names.contains(package), "a plugin must not depend on {package}:\n{tree}");
    }
    Ok(())
}

/// The format of the plugins. Only ELF files are checked.
enum Format {
    Elf,
    Other,
}

fn symbols(plugins: &[Plugin]) -> Result<Format> {
    let mut symbols = Vec::new();
    for plugin in plugins.iter().filter(|plugin| !plugin.is_host_library()) {
        let path = &plugin.path;
        let Some(names) = symbol_names(path).with_context(|| format!("cannot read {}", path.display()))? else {
            return Ok(Format::Other);
        };
        symbols.push((plugin.package.as_str(), names));
    }
    let problems = check_symbols(&symbols);
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(Format::Elf)
}

/// The names in the `.symtab` of a file. `None` if it is not an ELF file.
fn symbol_names(path: &Path) -> Result<Option<Vec<String>>> {
    let data = fs::read(path)?;
    if !matches!(FileKind::parse(&*data)?, FileKind::Elf32 | FileKind::Elf64) {
        return Ok(None);
    }
    let file = object::File::parse(&*data)?;
    // `symbols` reads `.symtab`. `dynamic_symbols` would only have the exported ones.
    let names = file.symbols().map(|symbol| Ok(symbol.name()?.to_owned())).collect::<Result<_>>()?;
    Ok(Some(names))
}

/// Returns what is wrong with the symbols of plugins. Each plugin is given by its package and its symbols.
fn check_symbols(plugins: &[(&str, Vec<String>)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (package, names) in plugins {
        if names.is_empty() {
            problems.push(format!("{package}: it has no symbol table, so it cannot be checked"));
        }
        let of_host = |name: &&String| HOST_MODULES.iter().any(|module| name.contains(module));
        let symbols: Vec<&String> = names.iter().filter(of_host).collect();
        match (symbols.first(), WITH_STORE.contains(package)) {
            (Some(first), false) => {
                let count = symbols.len();
                problems
                    .push(format!("{package}: {count} symbols are of the store or the loader, for instance {first}"));
            }
            (None, true) => problems.push(format!("{package}: it has a store, but the check finds no symbol of it")),
            _ => {}
        }
    }
    // Some test plugins do not use the facade, but the others do.
    if !plugins.iter().flat_map(|(_, names)| names).any(|name| name.contains(FACADE)) {
        problems.push(format!(
            "no symbol of {} plugins contains {FACADE}, so the check does not find symbols of the facade",
            plugins.len()
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_all_subsets() {
        assert_eq!(feature_combinations(&["a", "b"]), ["", "a", "b", "a,b"]);
        assert_eq!(feature_combinations(&["a", "b", "c"]).len(), 8);
    }

    #[test]
    fn packages_of_a_host_are_found() {
        let tree = "plugin_tls v0.5.0 (/src/plugin_tls)\nxxhash-rust v0.8.15\nplugin_tls_macros v0.5.0 (proc-macro)\n";
        assert!(check_packages(tree).is_ok());
        assert!(check_packages(&format!("{tree}libloading v0.8.6\n")).is_err());
        assert!(check_packages(&format!("{tree}comfy-table v7.1.4 (*)\n")).is_err());
        assert!(check_packages("xxhash-rust v0.8.15\n").is_err(), "a check of another tree must not pass");
    }

    #[test]
    fn symbols_of_a_host_are_found() {
        let check = |plugins: &[&[&str]]| {
            let owned = |names: &&[&str]| ("plugin", names.iter().map(|&name| name.to_owned()).collect());
            check_symbols(&plugins.iter().map(owned).collect::<Vec<_>>()).len()
        };
        let store = "_ZN16plugin_tls_store5store5store17h0123456789abcdefE";
        let row = "_ZN10plugin_tls3row3get17h0123456789abcdefE";
        assert_eq!(check(&[&["main", row], &["not_a_plugin"]]), 0);
        // The names have the legacy mangling and the v0 mangling.
        assert_eq!(check(&[&[row, store]]), 1);
        assert_eq!(check(&[&["main"], &[row, "_RNvNtCs1234_10plugin_tls4host4load"]]), 1);
        // A plugin that has a store must have its symbols.
        let with_store = |names: &[&str]| (WITH_STORE[0], names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(check_symbols(&[with_store(&[row, store])]).len(), 0);
        assert_eq!(check_symbols(&[with_store(&[row])]).len(), 1);
        // A check without symbols must not pass.
        assert_eq!(check(&[&["main"]]), 1);
        assert_eq!(check(&[]), 1);
        assert_eq!(check(&[&[row], &[]]), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn symbols_of_an_elf_file_are_read() {
        let own = std::env::current_exe().expect("a test has a path");
        let names = symbol_names(&own).expect("the file is readable").expect("the file is an ELF file");
        assert!(names.iter().any(|name| name.contains("symbols_of_an_elf_file_are_read")));
    }
}
