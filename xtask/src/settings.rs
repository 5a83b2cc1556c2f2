//! Settings: how the host and the plugins are built and run, and which scenarios belong to each setting.
//!
//! | setting                       | host    | plugins | cargo invocations   | scenarios for compilers |
//! |-------------------------------|---------|---------|---------------------|-------------------------|
//! | `debug-apart`                 | current | current | host, then plugins  | same, any               |
//! | `release-apart`               | current | current | host, then plugins  | same, any               |
//! | `debug-unified`               | current | current | one for everything  | same, any               |
//! | `release-apart-fallback`      | the build of `release-apart`, with all slots in rows | | same, any |
//! | `stable-host-nightly-plugins` | current | nightly | host, then plugins  | different, any          |
//! | `nightly-host-stable-plugins` | nightly | current | host, then plugins  | different, any          |
//! | `address-sanitizer`           | nightly | nightly | host, then plugins  | same, any               |
//!
//! Cargo unifies features within one invocation. Plugins without the feature `host` and a host without the feature
//! `plugin` therefore need separate invocations. Plugins that are hosts themselves need a third one.

use clap::ValueEnum;
use test_plan::Compilers;

/// How the host and the plugins are built and run. The documentation of each setting is its `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Setting {
    /// Debug builds; host and plugins from separate cargo invocations
    DebugApart,
    /// Release builds; host and plugins from separate cargo invocations
    ReleaseApart,
    /// Debug builds; host and plugins from one cargo invocation, with unified features
    DebugUnified,
    /// As release-apart, with the host in a dynamic library, which has no slots at constant distances
    ReleaseApartFallback,
    /// Host from the current toolchain, plugins from nightly
    StableHostNightlyPlugins,
    /// Host from nightly, plugins from the current toolchain
    NightlyHostStablePlugins,
    /// Debug builds from nightly, instrumented by AddressSanitizer; Linux with glibc on x86_64 and aarch64
    AddressSanitizer,
}

impl Setting {
    /// Returns the settings in `asked` in their fixed order without duplicates, or all settings if `asked` is empty.
    pub(crate) fn chosen(asked: &[Setting]) -> Vec<Setting> {
        Self::value_variants().iter().copied().filter(|setting| asked.is_empty() || asked.contains(setting)).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DebugApart => "debug-apart",
            Self::ReleaseApart => "release-apart",
            Self::DebugUnified => "debug-unified",
            Self::ReleaseApartFallback => "release-apart-fallback",
            Self::StableHostNightlyPlugins => "stable-host-nightly-plugins",
            Self::NightlyHostStablePlugins => "nightly-host-stable-plugins",
            Self::AddressSanitizer => "address-sanitizer",
        }
    }

    /// The setting whose build this one runs, which is the setting itself if it has its own build.
    pub(crate) fn built_as(self) -> Setting {
        match self {
            Self::ReleaseApartFallback => Self::ReleaseApart,
            other => other,
        }
    }

    /// Whether the host and the plugins come from different compilers, which requires a nightly toolchain.
    pub(crate) fn mixes_compilers(self) -> bool {
        matches!(self, Self::StableHostNightlyPlugins | Self::NightlyHostStablePlugins)
    }

    /// The environment variables of the host.
    pub(crate) fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // The sanitizer delays the reuse of freed memory, so scenarios must not measure the process. Its leak
            // detection would report what scenarios leak on purpose.
            Self::AddressSanitizer => &[(test_plan::SANITIZER, "1"), ("ASAN_OPTIONS", "detect_leaks=0")],
            _ => &[],
        }
    }

    /// Whether a scenario with these requirements belongs to this setting.
    pub(crate) fn runs(self, compilers: Compilers) -> bool {
        match compilers {
            Compilers::Any => true,
            Compilers::Same => !self.mixes_compilers(),
            Compilers::Different => self.mixes_compilers(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for setting in Setting::value_variants() {
            let value = setting.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(value.as_deref(), Some(setting.name()));
        }
    }

    #[test]
    fn settings_keep_their_order_and_run_once() {
        let asked = [Setting::DebugUnified, Setting::DebugApart, Setting::DebugUnified];
        assert_eq!(Setting::chosen(&asked), [Setting::DebugApart, Setting::DebugUnified]);
        assert_eq!(Setting::chosen(&[]).len(), 7);
    }

    #[test]
    fn compilers_choose_between_mixed_and_other_settings() {
        for setting in Setting::value_variants().iter().copied() {
            assert!(setting.runs(Compilers::Any), "{setting:?}");
            assert_eq!(setting.runs(Compilers::Same), !setting.mixes_compilers(), "{setting:?}");
            assert_eq!(setting.runs(Compilers::Different), setting.mixes_compilers(), "{setting:?}");
        }
    }
}
