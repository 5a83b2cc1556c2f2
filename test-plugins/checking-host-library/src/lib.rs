//! A host library whose allocator knows its own blocks: it aborts if it gets another one, or one with another layout.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use plugin_tls::Context;
use test_api::probe::Operation;

test_api::export_operations!(OPERATIONS);
test_api::export_load!(plugin_tls::host::Plugin);

/// The context of this library's store.
#[unsafe(no_mangle)]
pub extern "C" fn context() -> Context {
    Context::get()
}

/// The blocks in use.
static BLOCKS: AtomicU64 = AtomicU64::new(0);

pub const OPERATIONS: &[Operation] = &[("blocks", |_| BLOCKS.load(SeqCst).into())];

/// What stands before each block.
#[derive(PartialEq)]
struct Head {
    mark: u64,
    layout: Layout,
}

const MARK: u64 = 0x5afe_b10c_5afe_b10c;

struct Checking;

#[global_allocator]
static ALLOCATOR: Checking = Checking;

/// The layout of a head and a block, and the distance between the two.
fn with_head(layout: Layout) -> (Layout, usize) {
    Layout::new::<Head>().extend(layout).expect("a block of a test has no such size")
}

// SAFETY: a block is part of one of the system's, behind its head, and aligned as the layout says.
unsafe impl GlobalAlloc for Checking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (whole, distance) = with_head(layout);
        // SAFETY: the layout has the size of a head at least.
        let start = unsafe { System.alloc(whole) };
        if start.is_null() {
            return start;
        }
        BLOCKS.fetch_add(1, SeqCst);
        // SAFETY: the memory has room for a block at this distance, and for a head before it.
        unsafe {
            let block = start.add(distance);
            block.cast::<Head>().sub(1).write_unaligned(Head { mark: MARK, layout });
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let (whole, distance) = with_head(layout);
        // SAFETY: `alloc` has put a head there. Where it has not, the memory before the block is that of the head of another
        // allocator, and the test fails.
        let head = unsafe { block.cast::<Head>().sub(1).read_unaligned() };
        if head != (Head { mark: MARK, layout }) {
            eprintln!("a block of {} bytes is not from this allocator", layout.size());
            std::process::abort();
        }
        BLOCKS.fetch_sub(1, SeqCst);
        // SAFETY: the head is that of `alloc`, which got the block from the system's allocator.
        unsafe {
            block.cast::<Head>().sub(1).write_bytes(0, 1);
            System.dealloc(block.sub(distance), whole);
        }
    }
}
