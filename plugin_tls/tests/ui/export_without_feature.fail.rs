//! Without the feature `plugin`, the error of `export_plugin!` names the feature.

tls::export_plugin!(); //~ ERROR needs the feature `plugin`

fn main() {}
