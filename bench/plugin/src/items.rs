//! Items that the host does not have: thread-locals that the plugin owns, and statics that are new in each load of the
//! plugin.

use bench_timing::{Measured, Subject, Work};

pub(crate) fn find(work: Work, subject: Subject) -> Option<Measured> {
    match (work, subject) {
        (Work::Touch | Work::Spawn, Subject::OursAlone) => Some(Measured::Items(&locals::ITEMS)),
        (Work::TouchLazy, Subject::Ours) => Some(Measured::Items(&lazies::ITEMS)),
        (Work::TouchLazy, Subject::Std) => Some(Measured::Items(&lazy_locks::ITEMS)),
        _ => None,
    }
}

mod locals {
    bench_timing::many_locals!(plugin_tls::thread_local);
}

mod lazies {
    bench_timing::many! {
        plugin_tls::lazy_static! {
            static ref ITEM: u64 = bench_timing::seed();
        }

        fn touch() -> u64 {
            *ITEM
        }
    }
}

mod lazy_locks {
    bench_timing::many! {
        static ITEM: std::sync::LazyLock<u64> = std::sync::LazyLock::new(bench_timing::seed);

        fn touch() -> u64 {
            *ITEM
        }
    }
}
