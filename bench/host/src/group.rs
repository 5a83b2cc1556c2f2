//! Measures one work, which several subjects do in turn.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bench_plan::{ITEMS, Place, Timed, Work, label};
use bench_timing::{Measure, Request, Subject};

use crate::Samples;
use crate::libraries::{Binary, Libraries};

/// How many samples of each subject are taken, and how long each should take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    pub(crate) rounds: usize,
    pub(crate) duration: Duration,
}

/// A sample of [`Work::ReadTogether`] is the fastest of this many tries.
const TRIES: usize = 10;

/// The fewest reads that each thread of [`Work::ReadTogether`] makes: many more than fit into the time that another
/// thread takes to start.
const FEWEST_READS: u64 = 1 << 20;

/// One of the subjects that take turns.
struct Contestant {
    label: &'static str,
    measure: Measure,
    request: Request,
}

/// Returns nanoseconds per read, per touched item, or per thread. For [`Work::ReadTogether`], returns reads per
/// microsecond.
pub(crate) fn measure(timed: Timed, libraries: &Libraries, sampling: Sampling) -> Result<Samples> {
    let mut contestants = contestants(timed, libraries);
    for contestant in &mut contestants {
        contestant.calibrate(sampling.duration)?;
    }
    let mut samples = Samples::new();
    for round in 0..sampling.rounds {
        // Each round starts with another contestant, so that the order favours none of them.
        let (before, from) = contestants.split_at(round % contestants.len());
        for contestant in from.iter().chain(before) {
            samples.entry(contestant.label.to_owned()).or_default().push(contestant.sample()?);
        }
    }
    Ok(samples)
}

fn contestants(timed: Timed, libraries: &Libraries) -> Vec<Contestant> {
    let Timed { work, place, items } = timed;
    let items = items.unwrap_or(1);
    let home = if place == Place::Host { Binary::Host } else { Binary::Plugin };
    let mut all = Vec::new();
    let mut add = |label, binary, subject, threads| {
        if let Some(measure) = libraries.measure(binary) {
            all.push(Contestant { label, measure, request: Request { work, subject, threads, items, iterations: 1 } });
        }
    };
    if work == Work::ReadTogether {
        add(label::STD_ONE_THREAD, home, Subject::Std, 1);
        add(label::STD_TWO_THREADS, home, Subject::Std, 2);
        add(label::OURS_ONE_THREAD, home, Subject::Ours, 1);
        add(label::OURS_TWO_THREADS, home, Subject::Ours, 2);
        return all;
    }

    let mut add = |label, binary, subject| add(label, binary, subject, 0);
    let has_empty = !matches!(work, Work::ReadLoop | Work::CountLoop);
    if has_empty {
        add(label::EMPTY, home, Subject::Empty);
    }
    add(label::STD, home, Subject::Std);
    add(label::OURS, home, Subject::Ours);
    if place == Place::Fallback {
        return all;
    }
    if work.touches_on_threads() {
        if place == Place::Plugin {
            add(label::OURS_ALONE, home, Subject::OursAlone);
            // rubicon's libraries are built without the feature `thousand`.
            if items <= ITEMS {
                add(label::STD_ELSEWHERE, Binary::Rubicon, Subject::Std);
            }
        }
        return all;
    }
    add(label::PEER, home, Subject::Peer);
    if work == Work::Lazy {
        add(label::LAZY_STATIC, home, Subject::LazyStatic);
        add(label::ONCE_CELL, home, Subject::OnceCell);
    }
    if place == Place::Plugin {
        for (label, empty, binary) in [
            (label::RUBICON, label::RUBICON_EMPTY, Binary::Rubicon),
            (label::UNCHECKED, label::UNCHECKED_EMPTY, Binary::RubiconUnchecked),
        ] {
            if has_empty {
                add(empty, binary, Subject::Empty);
            }
            add(label, binary, Subject::Rubicon);
        }
    }
    all
}

impl Contestant {
    /// Chooses the number of iterations so that a sample takes about `duration`, including threads that are started.
    fn calibrate(&mut self, duration: Duration) -> Result<()> {
        // The first request also initializes items, so its time is not used.
        self.nanoseconds()?;
        loop {
            let mut fastest = Duration::MAX;
            for _ in 0..3 {
                let start = Instant::now();
                self.nanoseconds()?;
                fastest = fastest.min(start.elapsed());
            }
            if fastest * 4 > duration {
                let scale = duration.as_secs_f64() / fastest.as_secs_f64();
                let least = if self.request.work == Work::ReadTogether { FEWEST_READS } else { 1 };
                self.request.iterations = ((self.request.iterations as f64 * scale) as u64).max(least);
                return Ok(());
            }
            self.request.iterations *= 4;
        }
    }

    fn sample(&self) -> Result<f64> {
        let mut fastest = self.nanoseconds()?;
        if self.request.work == Work::ReadTogether {
            // While other programs use the processors, the threads do not run at the same time. The fastest try is the
            // one in which they most likely did.
            for _ in 1..TRIES {
                fastest = fastest.min(self.nanoseconds()?);
            }
        }
        let each = fastest / self.request.iterations as f64;
        Ok(match self.request.work {
            Work::Touch => each / f64::from(self.request.items),
            Work::ReadTogether => f64::from(self.request.threads) * 1e3 / each,
            _ => each,
        })
    }

    fn nanoseconds(&self) -> Result<f64> {
        let nanoseconds = (self.measure)(&self.request);
        ensure!(nanoseconds >= 0.0, "the binary of {} has nothing for {:?}", self.label, self.request);
        Ok(nanoseconds)
    }
}
