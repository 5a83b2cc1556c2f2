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

/// `rustc -vV` in one line. `None` if that identifies nothing: it does not say from which commit the compiler was built, as
/// those of some distributions, and it is no release either.
fn compiler() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let has_commit = |line: &str| line.starts_with("commit-hash: ") && !line.ends_with("unknown");
    let is_release = |line: &str| line.starts_with("release: ") && !line.contains('-');
    let identified = text.lines().any(|line| has_commit(line) || is_release(line));
    identified.then(|| text.lines().collect::<Vec<_>>().join("; "))
}
