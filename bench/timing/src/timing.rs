//! The loops that take times.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Measured, Request, Subject, Touch, UNKNOWN, Work};

/// Does what a request asks for, with the code that `find` returns for it.
pub fn answer(request: &Request, find: impl Fn(Work, Subject) -> Option<Measured>) -> f64 {
    let Some(measured) = find(request.work, request.subject) else { return UNKNOWN };
    let elapsed = match (measured, request.work) {
        (Measured::Loop(run), Work::ReadTogether) => return together(run, request.threads, request.iterations),
        (Measured::Loop(run), _) => iterate(run, request.iterations),
        (Measured::Items(items), work) => {
            let Some(items) = items.get(..request.items as usize) else { return UNKNOWN };
            match work {
                Work::Spawn => spawn(items, request.iterations),
                Work::TouchLazy => touch(items),
                _ => first_touch(items, request.iterations),
            }
        }
    };
    nanoseconds(elapsed)
}

fn nanoseconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * 1e9
}

fn iterate(run: fn(u64) -> u64, iterations: u64) -> Duration {
    let start = Instant::now();
    black_box(run(black_box(iterations)));
    start.elapsed()
}

/// Runs the same number of iterations on each of several threads. Returns the time at the average of their speeds.
fn together(run: fn(u64) -> u64, threads: u32, iterations: u64) -> f64 {
    let barrier = Barrier::new(threads as usize);
    let speeds: f64 = thread::scope(|scope| {
        let work = || {
            // Initializes the item before the clock starts.
            run(1);
            barrier.wait();
            1.0 / nanoseconds(iterate(run, iterations)).max(1.0)
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
    });
    f64::from(threads) / speeds
}

#[inline(never)]
fn touch(items: &[Touch]) -> Duration {
    let items = black_box(items);
    let mut sum = 0_u64;
    let start = Instant::now();
    for item in items {
        sum = sum.wrapping_add(item());
    }
    let elapsed = start.elapsed();
    black_box(sum);
    elapsed
}

/// Returns the total time of the touches on `threads` new threads, which run one after another.
fn first_touch(items: &'static [Touch], threads: u64) -> Duration {
    (0..threads).map(|_| thread::spawn(move || touch(items)).join().unwrap_or_default()).sum()
}

/// Returns the total time of `threads` threads, which run one after another, including their start and end.
fn spawn(items: &'static [Touch], threads: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..threads {
        black_box(thread::spawn(move || touch(items)).join().unwrap_or_default());
    }
    start.elapsed()
}
