//! Items that only plugins link, and whose destructors log what they do.

use test_api::ending::{Bomb, Curious, Logged, log_access};
use test_api::outcome::done;
use test_api::probe::Operation;
use test_api::threads::Tracked;

plugin_tls_core::thread_local! {
    pub static BETWEEN: Logged = Logged("between");
    pub static FRESH: Logged = Logged("fresh of the plugin");
    pub static CURIOUS: Curious = Curious(|| {
        log_access("fresh of the plugin", FRESH.try_with(|_| ()));
        log_access("curious itself", CURIOUS.try_with(|_| ()));
    });
    pub static BOMB: Bomb = const { Bomb::new() };
    pub static TRACKED: Tracked = Tracked::new();
}

pub const OPERATIONS: &[Operation] = &[
    ("use_between", |_| done(|| BETWEEN.with(|_| ()))),
    ("use_plugin_curious", |_| done(|| CURIOUS.with(|_| ()))),
    ("use_plugin_bomb", |_| done(|| BOMB.with(|_| ()))),
    ("use_plugin_tracked", |_| done(|| TRACKED.with(|_| ()))),
];
