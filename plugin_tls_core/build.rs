//! Tells the crate which compiler builds it.
//!
//! Two binaries may share a type that nothing else proves equal only if the very same compiler built both. The version
//! number does not tell that (nightlies and patched builds share one), the whole of `rustc -vV` does.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    println!("cargo::rustc-env=PLUGIN_TLS_COMPILER={}", compiler().unwrap_or_default());
}

/// `rustc -vV` in one line. `None` if it does not say from which commit it was built, because then it identifies nothing.
fn compiler() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let identified = text.lines().any(|line| line.starts_with("commit-hash: ") && !line.ends_with("unknown"));
    identified.then(|| text.lines().collect::<Vec<_>>().join("; "))
}
