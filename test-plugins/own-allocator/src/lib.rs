//! A plugin whose allocator counts the blocks that could hold a [`Block`].

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use test_api::ending::log;
use test_api::probe::Operation;

plugin_tls::export_plugin!(allocator = own);
test_api::export_operations!(OPERATIONS);

/// This binary allocates no other blocks of a size between this and twice as much.
const SIZE: usize = 12_345;

static ALLOCATED: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

struct Bookkeeper;

/// Whether memory of this size could hold a [`Block`], alone or as part of a larger structure.
fn counts(size: usize) -> bool {
    (SIZE..2 * SIZE).contains(&size)
}

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Bookkeeper {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if counts(layout.size()) {
            ALLOCATED.fetch_add(1, SeqCst);
        }
        // SAFETY: the caller guarantees that `layout` has a nonzero size.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if counts(layout.size()) {
            FREED.fetch_add(1, SeqCst);
        }
        // SAFETY: the caller guarantees that this allocator, which is the system's, returned `block` for `layout`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Bookkeeper = Bookkeeper;

/// A value with a size that no other value has.
struct Block([u8; SIZE]);

impl Drop for Block {
    fn drop(&mut self) {
        log(format!("block of {} dropped", self.0.iter().filter(|byte| **byte == 7).count()));
    }
}

plugin_tls::thread_local! {
    /// Only this plugin declares the item.
    static BLOCK: Block = Block([7; SIZE]);
}

plugin_tls::lazy_static! {
    /// Only this plugin declares the item.
    static ref BLOCK_OF_ALL: [u8; SIZE] = [8; SIZE];
}

pub const OPERATIONS: &[Operation] = &[
    ("use_block", |at| BLOCK.with(|block| u64::from(block.0[at as usize]).into())),
    ("use_block_of_all", |at| u64::from(BLOCK_OF_ALL[at as usize]).into()),
    ("own_block", |_| u64::from(std::hint::black_box(vec![9_u8; SIZE])[SIZE - 1]).into()),
    ("allocated", |_| ALLOCATED.load(SeqCst).into()),
    ("freed", |_| FREED.load(SeqCst).into()),
];
