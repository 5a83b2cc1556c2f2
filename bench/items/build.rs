//! Writes `BENCH_ITEMS_COUNT` items in modules of ten each. `BENCH_ITEMS_KIND` selects the macro that declares them.

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Typical types of users' items, all with destructors, and for each an access that returns a number.
const TYPES: &[(&str, &str)] = &[
    ("RefCell<Vec<u64>>", "with_borrow(|value| value.len())"),
    ("RefCell<String>", "with_borrow(|value| value.len())"),
    ("RefCell<HashMap<String, u64>>", "with_borrow(|value| value.len())"),
    ("RefCell<Option<Box<u64>>>", "with_borrow(|value| usize::from(value.is_some()))"),
];
const ITEMS_PER_MODULE: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Nothing reads `BENCH_ITEMS_ROUND`. A new value only makes cargo compile the crate again.
    for name in ["BENCH_ITEMS_KIND", "BENCH_ITEMS_COUNT", "BENCH_ITEMS_ROUND"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let variable = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let count: usize = variable("BENCH_ITEMS_COUNT", "10").parse()?;
    let declare = match variable("BENCH_ITEMS_KIND", "ours").as_str() {
        "ours" => "plugin_tls_core::thread_local!",
        "std" => "std::thread_local!",
        other => return Err(format!("BENCH_ITEMS_KIND is {other}, but must be ours or std").into()),
    };

    let modules = count.div_ceil(ITEMS_PER_MODULE);
    let mut text = String::new();
    for module in 0..modules {
        let items = module * ITEMS_PER_MODULE..count.min((module + 1) * ITEMS_PER_MODULE);
        writeln!(text, "mod module_{module} {{\n    use super::*;\n\n    {declare} {{")?;
        for item in items.clone() {
            let (ty, _) = TYPES[item % TYPES.len()];
            let value = ty.replacen('<', "::<", 1);
            writeln!(text, "        static ITEM_{item}: {ty} = {value}::default();")?;
        }
        writeln!(text, "    }}\n\n    pub(super) fn touch() -> usize {{\n        let mut sum = 0;")?;
        for item in items {
            let (_, number) = TYPES[item % TYPES.len()];
            writeln!(text, "        sum += ITEM_{item}.{number};")?;
        }
        writeln!(text, "        sum\n    }}\n}}\n")?;
    }
    writeln!(text, "/// Uses every item.\npub fn touch() -> usize {{\n    let mut sum = 0;")?;
    for module in 0..modules {
        writeln!(text, "    sum += module_{module}::touch();")?;
    }
    writeln!(text, "    sum\n}}")?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("items.rs"), text)?;
    Ok(())
}
