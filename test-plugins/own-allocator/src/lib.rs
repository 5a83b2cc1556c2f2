//! A plugin whose allocator counts the blocks that could hold a certain value.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use test_api::ending::log;
use test_api::probe::Operation;

plugin_tls::export_plugin!();
test_api::export_operations!(OPERATIONS);

/// No other block of this binary has a size between this and its double.
const SIZE: usize = 12_345;

static ALLOCATED: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

struct Bookkeeper;

/// Whether a block could hold a [`Block`], with or without something around it.
fn counts(size: usize) -> bool {
    (SIZE..2 * SIZE).contains(&size)
}

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Bookkeeper {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if counts(layout.size()) {
            ALLOCATED.fetch_add(1, SeqCst);
        }
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if counts(layout.size()) {
            FREED.fetch_add(1, SeqCst);
        }
        // SAFETY: the caller's word.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Bookkeeper = Bookkeeper;

/// A value of a size that nothing else has.
struct Block([u8; SIZE]);

impl Drop for Block {
    fn drop(&mut self) {
        log(format!("block of {} dropped", self.0.iter().filter(|byte| **byte == 7).count()));
    }
}

plugin_tls::thread_local! {
    /// Nobody else has it.
    static BLOCK: Block = Block([7; SIZE]);
}

plugin_tls::lazy_static! {
    /// Nobody else has it.
    static ref BLOCK_OF_ALL: [u8; SIZE] = [8; SIZE];
}

/// By name.
pub const OPERATIONS: &[Operation] = &[
    ("use_block", |at| BLOCK.with(|block| u64::from(block.0[at as usize]).into())),
    ("use_block_of_all", |at| u64::from(BLOCK_OF_ALL[at as usize]).into()),
    ("own_block", |_| u64::from(std::hint::black_box(vec![9_u8; SIZE])[SIZE - 1]).into()),
    ("allocated", |_| ALLOCATED.load(SeqCst).into()),
    ("freed", |_| FREED.load(SeqCst).into()),
];
