//! Settings: the ways in which host and plugins are built, and which scenarios belong to each.
//!
//! | setting                       | host    | plugins | cargo invocations   | scenarios for compilers |
//! |-------------------------------|---------|---------|---------------------|-------------------------|
//! | `debug-apart`                 | current | current | host, then plugins  | same, any               |
//! | `release-apart`               | current | current | host, then plugins  | same, any               |
//! | `debug-unified`               | current | current | one for everything  | same, any               |
//! | `release-apart-fallback`      | the build of `release-apart`, rows found the slow way | | same, any |
//! | `stable-host-nightly-plugins` | current | nightly | host, then plugins  | different, any          |
//! | `nightly-host-stable-plugins` | nightly | current | host, then plugins  | different, any          |
//! | `address-sanitizer`           | nightly | nightly | host, then plugins  | same, any               |
//!
//! Apart matters because cargo unifies features within one invocation: only two invocations give plugins without the
//! feature `host` and a host without the feature `plugin`. (Plugins that are hosts themselves take a third one.)

use clap::ValueEnum;
use test_plan::{Build, Compilers};

/// One way in which host and plugins are built and run. The documentation of each is its `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Setting {
    /// Debug builds; host and plugins from separate cargo invocations
    DebugApart,
    /// Release builds; host and plugins from separate cargo invocations
    ReleaseApart,
    /// Debug builds; host and plugins from one cargo invocation, hence with unified features
    DebugUnified,
    /// As release-apart, with TEST_HOST_FALLBACK=1: the host uses the fallback way to find rows
    ReleaseApartFallback,
    /// Host from the current toolchain, plugins from nightly
    StableHostNightlyPlugins,
    /// Host from nightly, plugins from the current toolchain
    NightlyHostStablePlugins,
    /// Debug builds from nightly, instrumented by AddressSanitizer; Linux with glibc on x86_64 and aarch64
    AddressSanitizer,
}

impl Setting {
    /// The settings asked for in their fixed order, or all of them if none was.
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

    /// The setting whose build this one runs: itself, except where it has no build of its own.
    pub(crate) fn built_as(self) -> Setting {
        match self {
            Self::ReleaseApartFallback => Self::ReleaseApart,
            other => other,
        }
    }

    /// Whether host and plugins come from different compilers, which takes a nightly toolchain.
    pub(crate) fn mixes_compilers(self) -> bool {
        matches!(self, Self::StableHostNightlyPlugins | Self::NightlyHostStablePlugins)
    }

    /// What the host finds in its environment.
    pub(crate) fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ReleaseApartFallback => &[(test_plan::FALLBACK, "1")],
            // Freed memory is kept back, so that scenarios cannot tell what is left of it; what tests leak on purpose is
            // not reported.
            Self::AddressSanitizer => &[(test_plan::SANITIZER, "1"), ("ASAN_OPTIONS", "detect_leaks=0")],
            _ => &[],
        }
    }

    /// Whether a scenario that needs these compilers and these builds belongs to this setting.
    pub(crate) fn runs(self, compilers: Compilers, builds: &[Build]) -> bool {
        let kind = if self == Self::DebugUnified { Build::Unified } else { Build::Apart };
        let compilers_fit = match compilers {
            Compilers::Any => true,
            Compilers::Same => !self.mixes_compilers(),
            Compilers::Different => self.mixes_compilers(),
        };
        compilers_fit && builds.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[Build] = &[Build::Apart, Build::Unified];

    #[test]
    fn names_are_those_of_the_command_line() {
        for setting in Setting::value_variants() {
            let value = setting.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(value.as_deref(), Some(setting.name()));
        }
    }

    #[test]
    fn settings_keep_their_order_and_are_run_once() {
        let asked = [Setting::DebugUnified, Setting::DebugApart, Setting::DebugUnified];
        assert_eq!(Setting::chosen(&asked), [Setting::DebugApart, Setting::DebugUnified]);
        assert_eq!(Setting::chosen(&[]).len(), 7);
    }

    #[test]
    fn compilers_choose_between_mixed_and_other_settings() {
        for setting in Setting::value_variants().iter().copied() {
            assert!(setting.runs(Compilers::Any, BOTH), "{setting:?}");
            assert_eq!(setting.runs(Compilers::Same, BOTH), !setting.mixes_compilers(), "{setting:?}");
            assert_eq!(setting.runs(Compilers::Different, BOTH), setting.mixes_compilers(), "{setting:?}");
        }
    }

    #[test]
    fn builds_choose_between_unified_and_all_others() {
        for setting in Setting::value_variants().iter().copied() {
            let unified = setting == Setting::DebugUnified;
            assert_eq!(setting.runs(Compilers::Any, &[Build::Unified]), unified, "{setting:?}");
            assert_eq!(setting.runs(Compilers::Any, &[Build::Apart]), !unified, "{setting:?}");
            assert!(!setting.runs(Compilers::Any, &[]), "{setting:?}");
        }
    }
}
