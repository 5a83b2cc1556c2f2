//! Types whose alignment, size or destructor a store could handle incorrectly.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::outcome::{Operation, Outcome, address};

/// Aligned to 4096 bytes, and not `Sync`.
#[repr(align(4096))]
#[derive(Debug)]
pub struct Page(Cell<u64>);

/// Aligned to 4096 bytes, and `Sync`.
#[repr(align(4096))]
#[derive(Debug)]
pub struct SharedPage(AtomicU64);

/// Has no size.
#[derive(Debug)]
pub struct Nothing;

/// Has no size, but a destructor.
#[derive(Debug)]
pub struct LastWord;

impl Drop for LastWord {
    fn drop(&mut self) {
        LAST_WORDS.fetch_add(1, SeqCst);
    }
}

/// Has 64 KiB in the value.
#[derive(Debug)]
pub struct Wide([Cell<u64>; 8192]);

/// Has 1 MiB on the heap.
#[derive(Debug)]
pub struct Heap(Box<[Cell<u8>]>);

/// Has no destructor and is not [`Copy`].
#[derive(Debug)]
pub struct Plain(Cell<u64>);

plugin_tls_core::thread_local! {
    pub static PAGE: Page = const { Page(Cell::new(1)) };
    pub static NOTHING: Nothing = const { Nothing };
    pub static NOTHING_ELSE: Nothing = const { Nothing };
    pub static LAST_WORD: LastWord = const { LastWord };
    pub static WIDE: Wide = Wide([const { Cell::new(0) }; 8192]);
    pub static HEAP: Heap = Heap(vec![Cell::new(0); 1 << 20].into_boxed_slice());
    pub static PLAIN: Plain = const { Plain(Cell::new(0)) };
    pub static NOT_SEND: Rc<Cell<u64>> = Rc::default();
}

plugin_tls_core::lazy_static! {
    pub static ref SHARED_PAGE: SharedPage = SharedPage(AtomicU64::new(1));
    pub static ref SHARED_NOTHING: Nothing = Nothing;
    pub static ref SHARED_NOTHING_ELSE: Nothing = Nothing;
    pub static ref SHARED_WIDE: [AtomicU64; 8192] = [const { AtomicU64::new(0) }; 8192];
    pub static ref SHARED_HEAP: Vec<AtomicU64> = (0..1 << 17).map(AtomicU64::new).collect();
    /// The number of [`LAST_WORD`] values that have been dropped.
    pub static ref LAST_WORDS: AtomicU64 = AtomicU64::new(0);
}

/// Operations that return the address of an item, and the alignment that the address must have.
pub const ALIGNMENTS: &[(&str, u64)] = &[
    ("page_address", 4096),
    ("nothing_address", 1),
    ("nothing_else_address", 1),
    ("last_word_address", 1),
    ("wide_address", 8),
    ("heap_address", 8),
    ("plain_address", 8),
    ("not_send_address", 8),
    ("shared_page_address", 4096),
    ("shared_nothing_address", 1),
    ("shared_nothing_else_address", 1),
    ("shared_wide_address", 8),
    ("shared_heap_address", 8),
];

/// Operations that add to an item and return the sum.
pub const SUMS: &[&str] =
    &["page_add", "wide_add", "heap_add", "plain_add", "not_send_add", "shared_page_add", "shared_wide_add"];

fn add(cell: &Cell<u64>, n: u64) -> Outcome {
    cell.set(cell.get() + n);
    cell.get().into()
}

pub const OPERATIONS: &[Operation] = &[
    ("page_address", |_| PAGE.with(address)),
    ("nothing_address", |_| NOTHING.with(address)),
    ("nothing_else_address", |_| NOTHING_ELSE.with(address)),
    ("last_word_address", |_| LAST_WORD.with(address)),
    ("wide_address", |_| WIDE.with(address)),
    ("heap_address", |_| HEAP.with(address)),
    ("plain_address", |_| PLAIN.with(address)),
    ("not_send_address", |_| NOT_SEND.with(address)),
    ("shared_page_address", |_| address(&*SHARED_PAGE)),
    ("shared_nothing_address", |_| address(&*SHARED_NOTHING)),
    ("shared_nothing_else_address", |_| address(&*SHARED_NOTHING_ELSE)),
    ("shared_wide_address", |_| address(&*SHARED_WIDE)),
    ("shared_heap_address", |_| address(&*SHARED_HEAP)),
    ("page_add", |n| PAGE.with(|page| add(&page.0, n))),
    ("wide_add", |n| WIDE.with(|wide| [0, 4000, 8191].map(|at| add(&wide.0[at], n))[2].clone())),
    // Writes the last byte and copies it to the first one, so that both ends of the heap memory are accessed.
    ("heap_add", |n| {
        HEAP.with(|heap| {
            let last = &heap.0[(1 << 20) - 1];
            last.set(last.get() + n as u8);
            heap.0[0].set(last.get());
            u64::from(heap.0[0].get()).into()
        })
    }),
    ("plain_add", |n| PLAIN.with(|plain| add(&plain.0, n))),
    ("not_send_add", |n| NOT_SEND.with(|shared| add(&Rc::clone(shared), n))),
    ("shared_page_add", |n| (SHARED_PAGE.0.fetch_add(n, SeqCst) + n).into()),
    ("shared_wide_add", |n| (SHARED_WIDE[8191].fetch_add(n, SeqCst) + n).into()),
    ("last_words", |_| LAST_WORDS.load(SeqCst).into()),
];
