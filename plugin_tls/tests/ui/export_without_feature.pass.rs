//! The counterpart of `export_without_feature.fail.rs`.

fn main() {}
