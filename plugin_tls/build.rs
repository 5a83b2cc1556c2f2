//! Tells the crate which compiler builds it, and names the combinations of features that decide what is compiled.
//!
//! Two binaries may share a type that nothing else proves equal only if the very same compiler built both. The version
//! number does not tell that (nightlies and patched builds share one), the whole of `rustc -vV` does.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    println!("cargo::rustc-check-cfg=cfg(store, thread_pointer)");
    println!("cargo::rustc-env=PLUGIN_TLS_COMPILER={}", compiler().unwrap_or_default());

    // A build without either feature, such as a library's own tests, is alone in its process and owns a store.
    let feature = |name| env::var_os(format!("CARGO_FEATURE_{name}")).is_some();
    if feature("HOST") || !feature("PLUGIN") {
        println!("cargo::rustc-cfg=store");
    }

    // Where an executable's thread-locals have a constant distance from a register that this crate knows how to read.
    let target = |name| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("OS") == "linux" && target("POINTER_WIDTH") == "64" && ["x86_64", "aarch64"].contains(&&*target("ARCH")) {
        println!("cargo::rustc-cfg=thread_pointer");
    }
}

/// `rustc -vV` in one line; `None` if it does not say from which commit it was built, for then it identifies nothing.
fn compiler() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let identified = text.lines().any(|line| line.starts_with("commit-hash: ") && !line.ends_with("unknown"));
    identified.then(|| text.lines().collect::<Vec<_>>().join("; "))
}
