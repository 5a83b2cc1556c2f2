//! A plugin whose memory moves into its host, and the other way round.

use std::hint::black_box;
use std::sync::Mutex;

use test_api::allocation::USER;
use test_api::outcome::done;
use test_api::probe::Operation;

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

/// What a constructor has allocated, before the plugin was connected.
static EARLY: Mutex<Option<String>> = Mutex::new(None);

#[used]
#[cfg_attr(not(any(windows, target_vendor = "apple")), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
#[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
static CONSTRUCTOR: extern "C" fn() = constructor;

extern "C" fn constructor() {
    *EARLY.lock().expect("not poisoned") = Some("made by a constructor".to_owned());
}

/// As aligned as no block is by itself.
#[repr(align(4096))]
struct Aligned([u8; 100]);

pub const OPERATIONS: &[Operation] = &[
    ("move_early", |_| done(|| USER.set(EARLY.lock().expect("not poisoned").take().expect("the constructor has run")))),
    ("every_function", |n| {
        let size = usize::try_from(n).expect("a size");
        let zeroed = black_box(vec![0_u8; size]);
        let aligned = black_box(Box::new(Aligned([1; 100])));
        let mut grown = black_box(Vec::with_capacity(1));
        grown.extend(0..size);
        let is_right = zeroed.iter().all(|byte| *byte == 0)
            && grown.iter().enumerate().all(|(at, number)| at == *number)
            && (&raw const *aligned).addr() % 4096 == 0
            && aligned.0 == [1; 100];
        u64::from(is_right).into()
    }),
];
