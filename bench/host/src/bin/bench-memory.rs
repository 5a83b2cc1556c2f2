//! A host that counts what its thread-local values take: `bench-memory ITEMS`. Writes samples as JSON to stdout.
//!
//! A host of its own, because counting takes time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, Result};
use bench_timing::{Droppable, Measured, Subject, Touch, Work};
use plugin_tls::host::{SnapshotKind, snapshot};
use serde_json::json;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Relaxed everywhere: counts, read when the threads that matter are done.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
/// Of that, what was asked for in zeroes and not given back at all: the library does so for rows only.
static ZEROED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator, whatever it returns; the counts have no influence on it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // A row replaces the one before it.
        ZEROED.store(layout.size(), Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's word.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn main() -> Result<()> {
    let count: usize = std::env::args().nth(1).context("usage: bench-memory ITEMS")?.parse()?;
    let found = bench_subjects::find(Work::Touch, Subject::Ours);
    let Some(Measured::Items(items)) = found else { anyhow::bail!("there are no items to touch") };
    let items = items.get(..count).with_context(|| format!("there are no {count} items to touch"))?;

    // What is made once in a process is there before the thread that is looked at.
    thread::spawn(|| touch(items)).join().map_err(|_| anyhow::anyhow!("an item panicked"))?;
    let counts = thread::spawn(|| {
        let before = IN_USE.load(Relaxed);
        touch(items);
        (IN_USE.load(Relaxed) - before, ZEROED.load(Relaxed))
    });
    let (all, row) = counts.join().map_err(|_| anyhow::anyhow!("an item panicked"))?;

    let snapshot = snapshot();
    let locals = snapshot.items().iter().filter(|item| item.kind == SnapshotKind::ThreadLocal).count();
    let over = all as f64 / count as f64 - size_of::<Droppable>() as f64;
    let samples = json!({
        "ours": [over],
        "row": [row as f64 / count as f64],
        // No index is above the number of items.
        "row by index": [row as f64 / locals as f64],
    });
    println!("{samples}");
    Ok(())
}

fn touch(items: &[Touch]) {
    for item in items {
        item();
    }
}
