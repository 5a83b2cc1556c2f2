//! Items that the host does not have: thread-locals that the plugin owns, and statics that are fresh in each copy of the
//! plugin's file.

use bench_timing::{Measured, Subject, Work};

pub(crate) fn find(work: Work, subject: Subject) -> Option<Measured> {
    match (work, subject) {
        (Work::Touch | Work::Spawn, Subject::OursAlone) => Some(Measured::Items(&locals::ITEMS)),
        (Work::TouchLazy, Subject::Ours) => Some(Measured::Items(&lazies::ITEMS)),
        (Work::TouchLazy, Subject::Std) => Some(Measured::Items(&lazy_locks::ITEMS)),
        _ => None,
    }
}

/// A hundred, or a thousand, of what a macro declares.
macro_rules! many {
    ($($item:tt)*) => {
        #[cfg(not(feature = "thousand"))]
        bench_timing::ten! { 100 { bench_timing::ten! { 10 { $($item)*! {} } } } }
        #[cfg(feature = "thousand")]
        bench_timing::ten! { 1000 { bench_timing::ten! { 100 { bench_timing::ten! { 10 { $($item)*! {} } } } } } }
    };
}

macro_rules! lazy {
    () => {
        plugin_tls::lazy_static! {
            static ref ITEM: u64 = bench_timing::seed();
        }

        fn touch() -> u64 {
            *ITEM
        }

        pub const ITEMS: [bench_timing::Touch; 1] = [touch];
    };
}

macro_rules! lazy_lock {
    () => {
        static ITEM: std::sync::LazyLock<u64> = std::sync::LazyLock::new(bench_timing::seed);

        fn touch() -> u64 {
            *ITEM
        }

        pub const ITEMS: [bench_timing::Touch; 1] = [touch];
    };
}

mod locals {
    many!(bench_subjects::local_item);
}

mod lazies {
    many!(lazy);
}

mod lazy_locks {
    many!(lazy_lock);
}
