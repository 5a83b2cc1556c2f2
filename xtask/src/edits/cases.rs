//! The cases, and what must become of each when it is edited.

/// A crate that declares `ITEM`, a `Mutex<State>`, and an edit.
#[derive(Debug)]
pub(super) struct Case {
    /// The name of the crate.
    pub(super) name: &'static str,
    /// What is edited.
    pub(super) what: &'static str,
    /// The package whose macro declares the item.
    pub(super) declares_with: &'static str,
    /// The end of the crate's manifest, which starts with further dependencies.
    pub(super) manifest: &'static str,
    /// The start of the crate's root module, which defines `State`.
    pub(super) library: &'static str,
    /// Further files, by their paths in the workspace.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// The path of a file, and what in it is replaced by what.
    pub(super) edits: &'static [(&'static str, &'static str, &'static str)],
    pub(super) expected: Expected,
}

/// What becomes of the plugin.
#[derive(Debug)]
pub(super) enum Expected {
    Shared,
    /// Refused, with all of these words.
    Refused(&'static [&'static str]),
}

use Expected::{Refused, Shared};

const CASE: Case = Case {
    name: "",
    what: "",
    declares_with: "plugin_tls_core",
    manifest: "",
    library: "",
    files: &[],
    edits: &[],
    expected: Refused(&["not proven to be the same", "the source file lib.rs differs"]),
};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "fields",
        what: "the order of fields",
        library: "#[derive(Default)]\npub struct State {\n    pub width: u32,\n    pub height: u32,\n}\n",
        edits: &[("crates/fields/src/lib.rs", "width: u32,\n    pub height", "height: u32,\n    pub width")],
        ..CASE
    },
    Case {
        name: "number",
        what: "a number's type",
        library: "#[derive(Default)]\npub struct State {\n    pub ratio: f64,\n}\n",
        edits: &[("crates/number/src/lib.rs", "f64", "u64")],
        ..CASE
    },
    Case {
        name: "text",
        what: "a text's type",
        library: "#[derive(Default)]\npub struct State {\n    pub name: String,\n}\n",
        edits: &[("crates/text/src/lib.rs", "String", "(Box<str>, usize)")],
        ..CASE
    },
    Case {
        name: "behind_arc",
        what: "a type behind an `Arc`",
        library: "use std::sync::Arc;\n\n#[derive(Default)]\npub struct State(pub Arc<Inner>);\n\n\
                  #[derive(Default)]\npub struct Inner {\n    pub first: u64,\n}\n",
        edits: &[("crates/behind_arc/src/lib.rs", "first: u64", "first: u64,\n    pub second: String")],
        ..CASE
    },
    Case {
        name: "methods",
        what: "a trait's methods",
        library: "pub type State = Vec<Box<dyn Command + Send>>;\n\n\
                  pub trait Command {\n    fn run(&self);\n}\n",
        edits: &[("crates/methods/src/lib.rs", "fn run", "fn name(&self) -> String;\n    fn run")],
        ..CASE
    },
    Case {
        name: "variants",
        what: "the order of variants",
        library: "#[derive(Default)]\npub enum State {\n    #[default]\n    Off,\n    On,\n}\n",
        edits: &[("crates/variants/src/lib.rs", "Off,\n    On,", "On,\n    Off,")],
        ..CASE
    },
    Case {
        name: "dependency",
        what: "a path dependency",
        manifest: "geometry = { path = \"../geometry\" }\n",
        library: "pub use geometry::State;\n",
        files: &[
            ("crates/geometry/Cargo.toml", "[package]\nname = \"geometry\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
            (
                "crates/geometry/src/lib.rs",
                "#[derive(Default)]\npub struct State {\n    pub x: u32,\n    pub y: u32,\n}\n",
            ),
        ],
        edits: &[("crates/geometry/src/lib.rs", "x: u32,\n    pub y", "y: u32,\n    pub x")],
        expected: Refused(&["dependency: its dependency geometry differs"]),
        ..CASE
    },
    Case {
        name: "feature",
        what: "a feature",
        manifest: "\n[features]\nwide = []\n",
        library: "#[cfg(feature = \"wide\")]\npub type Number = u64;\n#[cfg(not(feature = \"wide\"))]\npub type Number = f64;\n\
                  \n#[derive(Default)]\npub struct State {\n    pub number: Number,\n}\n",
        edits: &[("plugins/feature/Cargo.toml", "\" }\n", "\", features = [\"wide\"] }\n")],
        expected: Refused(&["feature: built with feature \"wide\" in libfeature_plugin.so, without in edits-host"]),
        ..CASE
    },
    Case {
        name: "version",
        what: "the version",
        library: "#[derive(Default)]\npub struct State {\n    pub number: u64,\n}\n",
        edits: &[("crates/version/Cargo.toml", "0.1.0", "0.1.1")],
        expected: Refused(&["version: package version 0.1.0 in edits-host", "version 0.1.1 in libversion_plugin.so"]),
        ..CASE
    },
    Case {
        name: "included",
        what: "an included file",
        library: "include!(\"state.in\");\n",
        files: &[("crates/included/src/state.in", "#[derive(Default)]\npub struct State {\n    pub number: u64,\n}\n")],
        edits: &[("crates/included/src/state.in", "u64", "f64")],
        expected: Refused(&["included: the source file state.in differs"]),
        ..CASE
    },
    Case {
        name: "shared_module",
        what: "a module elsewhere",
        library: "#[path = \"../../../modules/state.rs\"]\nmod state;\npub use state::State;\n",
        files: &[("modules/state.rs", "#[derive(Default)]\npub struct State {\n    pub number: u64,\n}\n")],
        edits: &[("modules/state.rs", "u64", "f64")],
        expected: Refused(&["shared_module: the source file ../../../modules/state.rs differs"]),
        ..CASE
    },
    Case {
        name: "generated",
        what: "what a build script generates",
        library: "include!(concat!(env!(\"OUT_DIR\"), \"/state.rs\"));\n",
        files: &[(
            "crates/generated/build.rs",
            "fn main() {\n    let folder = std::env::var(\"OUT_DIR\").unwrap();\n    \
             std::fs::write(folder + \"/state.rs\", \"#[derive(Default)] pub struct State { pub number: u64 }\").unwrap();\n}\n",
        )],
        edits: &[("crates/generated/build.rs", "u64", "f64")],
        expected: Refused(&["generated: the source file OUT_DIR/state.rs differs"]),
        ..CASE
    },
    Case {
        name: "configured",
        what: "what a build script configures",
        library: "#[cfg(wide)]\npub type Number = u64;\n#[cfg(not(wide))]\npub type Number = f64;\n\
                  \n#[derive(Default)]\npub struct State {\n    pub number: Number,\n}\n",
        files: &[(
            "crates/configured/build.rs",
            "fn main() {\n    println!(\"cargo::rustc-check-cfg=cfg(wide)\");\n}\n",
        )],
        edits: &[("crates/configured/build.rs", ");\n}", ");\n    println!(\"cargo::rustc-cfg=wide\");\n}")],
        expected: Refused(&["configured: built with `--cfg wide` in libconfigured_plugin.so, without in edits-host"]),
        ..CASE
    },
    Case {
        name: "measured",
        what: "an included file of data",
        library: "#[derive(Default)]\npub struct State(pub Box<[u8; include_bytes!(\"data.bin\").len()]>);\n",
        files: &[("crates/measured/src/data.bin", "12345678")],
        edits: &[("crates/measured/src/data.bin", "12345678", "123456789")],
        expected: Refused(&["measured: the source file data.bin differs"]),
        ..CASE
    },
    Case {
        name: "variable",
        what: "a variable of the environment",
        library: "#[derive(Default)]\npub struct State(pub Box<[u8; env!(\"DIGITS\").len()]>);\n",
        files: &[("crates/variable/build.rs", "fn main() {\n    println!(\"cargo::rustc-env=DIGITS=12345678\");\n}\n")],
        edits: &[("crates/variable/build.rs", "12345678", "123456789")],
        expected: Refused(&["variable: built with $DIGITS 12345678 in edits-host, 123456789 in libvariable_plugin.so"]),
        ..CASE
    },
    Case {
        name: "expanded",
        what: "a macro of the workspace",
        manifest: "own_macro = { path = \"../own_macro\" }\n",
        library: "own_macro::state!();\n",
        files: &[
            (
                "crates/own_macro/Cargo.toml",
                "[package]\nname = \"own_macro\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\nproc-macro = true\n",
            ),
            (
                "crates/own_macro/src/lib.rs",
                "use proc_macro::TokenStream;\n\n#[proc_macro]\npub fn state(_: TokenStream) -> TokenStream {\n    \
                 \"#[derive(Default)] pub struct State { pub number: u64 }\".parse().unwrap()\n}\n",
            ),
        ],
        edits: &[("crates/own_macro/src/lib.rs", "u64", "f64")],
        expected: Refused(&["expanded: its dependency own_macro differs"]),
        ..CASE
    },
    Case {
        name: "facade",
        what: "a crate that uses the facade",
        declares_with: "plugin_tls",
        library: "#[derive(Default)]\npub struct State {\n    pub width: u32,\n    pub height: u32,\n}\n",
        edits: &[("crates/facade/src/lib.rs", "width: u32,\n    pub height", "height: u32,\n    pub width")],
        ..CASE
    },
    Case {
        name: "serialized",
        what: "a crate that derives serde's traits",
        manifest: "serde = { version = \"1\", features = [\"derive\"] }\n",
        library: "#[derive(Default, serde::Serialize, serde::Deserialize)]\npub struct State {\n    pub width: u32,\n    \
                  pub height: u32,\n}\n",
        edits: &[("crates/serialized/src/lib.rs", "width: u32,\n    pub height", "height: u32,\n    pub width")],
        ..CASE
    },
    Case {
        name: "described",
        what: "what is no type of a crate with shapes",
        library: "pub type State = Vec<Session>;\n\n#[derive(Default, plugin_tls_core::Shape)]\npub struct Session {\n    \
                  pub user: String,\n}\n\nimpl Session {\n    pub fn number(&self) -> u32 {\n        1\n    }\n}\n",
        edits: &[
            ("crates/described/src/lib.rs", "        1\n", "        self.user.len() as u32 + 2\n"),
            ("crates/described/src/lib.rs", "pub type", "pub struct Other(pub u8);\n\npub fn other() {}\n\npub type"),
        ],
        expected: Shared,
        ..CASE
    },
    Case {
        name: "described_field",
        what: "a field of a type with a shape",
        library: "use plugin_tls_core::Shape;\n\npub type State = Vec<Session>;\n\n\
                  #[derive(Shape)]\npub struct Session {\n    pub user: User,\n    pub since: u64,\n}\n\n\
                  #[derive(Shape)]\npub struct User {\n    pub id: u64,\n    pub name: String,\n}\n",
        edits: &[("crates/described_field/src/lib.rs", "String", "Box<str>")],
        expected: Refused(&[
            "described_field::ITEM: `",
            "Session.user.name` is `String` at offset 0 in edits-host, `Box<str>` at offset 0 in libdescribed_field_plugin.so",
        ]),
        ..CASE
    },
    Case {
        name: "described_variants",
        what: "the order of variants of a type with a shape",
        library: "use plugin_tls_core::Shape;\n\n#[derive(Default, Shape)]\npub struct State {\n    pub switch: Switch,\n}\n\n\
                  #[derive(Default, Shape)]\npub enum Switch {\n    #[default]\n    Off,\n    On,\n}\n",
        edits: &[("crates/described_variants/src/lib.rs", "Off,\n    On,", "On,\n    Off,")],
        expected: Refused(&["described_variants::ITEM: `State.switch"]),
        ..CASE
    },
    Case {
        name: "described_methods",
        what: "the methods of a trait with a shape",
        library: "pub type State = Vec<Box<dyn Command + Send>>;\n\n\
                  #[plugin_tls_core::shape]\npub trait Command {\n    fn run(&self);\n}\n",
        edits: &[("crates/described_methods/src/lib.rs", "fn run", "fn name(&self) -> String;\n    fn run")],
        expected: Refused(&["described_methods::ITEM: `"]),
        ..CASE
    },
];
