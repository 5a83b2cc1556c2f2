//! A host that counts the bytes that its thread-local values take: `bench-memory ITEMS`. It writes samples as JSON to
//! stdout.
//!
//! It is not part of `bench-host`, because counting would slow down what that measures.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, Result, anyhow};
use bench_plan::label;
use bench_timing::{Droppable, Measured, Subject, Touch, Work};
use plugin_tls::host::{SnapshotKind, snapshot};
use serde_json::json;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes in use. The orderings are relaxed, because the thread that changes the counts also reads them.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
/// The size of the last zeroed allocation. The library zeroes only rows, and each row replaces the previous one.
static ZEROED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged, and the counts do not influence the result.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the layout must have a size other than zero. The caller of `alloc` guarantees this.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        ZEROED.store(layout.size(), Relaxed);
        // SAFETY: the layout must have a size other than zero. The caller of `alloc_zeroed` guarantees this.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `System` must have allocated the memory with this layout. The caller of `dealloc` guarantees that
        // this allocator did, and it passes every allocation on to `System`.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn main() -> Result<()> {
    let count: usize = std::env::args().nth(1).context("usage: bench-memory ITEMS")?.parse()?;
    let found = bench_subjects::find(Work::Touch, Subject::Ours);
    let Some(Measured::Items(items)) = found else { anyhow::bail!("there are no items to touch") };
    let items = items.get(..count).with_context(|| format!("there are no {count} items to touch"))?;

    // The first thread makes the allocations that are made once per process, so they are not counted.
    on_thread(|| touch(items))?;
    let (all, row) = on_thread(|| {
        let before = IN_USE.load(Relaxed);
        touch(items);
        (IN_USE.load(Relaxed) - before, ZEROED.load(Relaxed))
    })?;

    let snapshot = snapshot();
    let locals = snapshot.items().iter().filter(|item| item.kind == SnapshotKind::ThreadLocal).count();
    let over = all as f64 / count as f64 - size_of::<Droppable>() as f64;
    let samples = json!({
        label::OURS: [over],
        label::ROW: [row as f64 / count as f64],
        // Indexes are smaller than the number of thread-local items of the process.
        label::ROW_BY_INDEX: [row as f64 / locals as f64],
    });
    println!("{samples}");
    Ok(())
}

fn on_thread<T: Send>(run: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| scope.spawn(run).join()).map_err(|_| anyhow!("an item panicked"))
}

fn touch(items: &[Touch]) {
    for item in items {
        item();
    }
}
