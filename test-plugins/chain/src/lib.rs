//! A plugin with a chain of a thousand items, thread-locals and statics, each of which uses the next one.

// The compiler evaluates types along the whole chain of initializers, as it does for std's thread-locals.
#![recursion_limit = "4096"]

use std::cell::Cell;

use test_api::probe::Operation;

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

pub const OPERATIONS: &[Operation] = &[("chain", |_| h0::t0::I0.get().into())];

/// Declares ten items per module. Each uses the next one, and the last one uses `$next`.
macro_rules! tens {
    ($($module:ident => $next:expr;)*) => {
        $(pub mod $module {
            use std::cell::Cell;

            plugin_tls::thread_local! {
                pub static I0: Cell<u64> = Cell::new(*I1 + 1);
                static I2: Cell<u64> = Cell::new(*I3 + 1);
                static I4: Cell<u64> = Cell::new(*I5 + 1);
                static I6: Cell<u64> = Cell::new(*I7 + 1);
                static I8: Cell<u64> = Cell::new(*I9 + 1);
            }

            plugin_tls::lazy_static! {
                static ref I1: u64 = I2.get() + 1;
                static ref I3: u64 = I4.get() + 1;
                static ref I5: u64 = I6.get() + 1;
                static ref I7: u64 = I8.get() + 1;
                static ref I9: u64 = $next.get() + 1;
            }
        })*
    };
}

/// Declares a hundred items per module.
macro_rules! hundreds {
    ($($module:ident => $next:expr;)*) => {
        $(pub mod $module {
            tens! {
                t0 => super::t1::I0;
                t1 => super::t2::I0;
                t2 => super::t3::I0;
                t3 => super::t4::I0;
                t4 => super::t5::I0;
                t5 => super::t6::I0;
                t6 => super::t7::I0;
                t7 => super::t8::I0;
                t8 => super::t9::I0;
                t9 => $next;
            }
        })*
    };
}

hundreds! {
    h0 => crate::h1::t0::I0;
    h1 => crate::h2::t0::I0;
    h2 => crate::h3::t0::I0;
    h3 => crate::h4::t0::I0;
    h4 => crate::h5::t0::I0;
    h5 => crate::h6::t0::I0;
    h6 => crate::h7::t0::I0;
    h7 => crate::h8::t0::I0;
    h8 => crate::h9::t0::I0;
    h9 => crate::END;
}

plugin_tls::thread_local! {
    /// The end of the chain.
    static END: Cell<u64> = const { Cell::new(0) };
}
