//! Sets the cfg `ours` if the items are those of this project: see `bench-items`.

#![forbid(unsafe_code)]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BENCH_ITEMS_KIND");
    println!("cargo::rustc-check-cfg=cfg(ours)");
    if env::var("BENCH_ITEMS_KIND").map_or(true, |kind| kind == "ours") {
        println!("cargo::rustc-cfg=ours");
    }
}
