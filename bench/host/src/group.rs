//! A group: one work, done by several subjects in turn.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bench_timing::{Measure, Request, Subject, Work};

use crate::Samples;
use crate::libraries::{Libraries, Place};

/// How many samples of each subject are taken, and how long each should take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    pub(crate) rounds: usize,
    pub(crate) duration: Duration,
}

/// `work/place`, or `work/place/items` for works that touch so many.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    work: Work,
    place: Place,
    fallback: bool,
    items: u32,
    /// Read on one and on two threads at once.
    two_threads: bool,
}

/// A sample of several threads at once is the fastest of so many.
const TRIES: usize = 10;

/// One of those who take turns.
struct Contestant {
    label: String,
    measure: Measure,
    request: Request,
}

impl FromStr for Group {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split('/');
        let (name, place) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let work = match name {
            "read" | "two-threads" => Work::Read,
            "read-drop" => Work::ReadDrop,
            "read-loop" => Work::ReadLoop,
            "count-loop" => Work::CountLoop,
            "lazy" => Work::Lazy,
            "touch" => Work::Touch,
            "spawn" => Work::Spawn,
            _ => bail!("there is no work {name}"),
        };
        let (place, fallback) = match place {
            "host" => (Place::Host, false),
            "plugin" => (Place::Plugin, false),
            "fallback" => (Place::Plugin, true),
            _ => bail!("there is no place {place}"),
        };
        let items = parts.next().map_or(Ok(1), str::parse).context("the number of items is none")?;
        Ok(Self { work, place, fallback, items, two_threads: name == "two-threads" })
    }
}

impl Group {
    pub(crate) fn is_fallback(&self) -> bool {
        self.fallback
    }

    /// Nanoseconds, per read, per touched item, or per thread; of two threads, reads per microsecond.
    pub(crate) fn measure(&self, libraries: &Libraries, sampling: Sampling) -> Result<Samples> {
        let mut contestants = self.contestants(libraries);
        for contestant in &mut contestants {
            contestant.calibrate(sampling.duration)?;
        }
        let mut samples = Samples::new();
        for round in 0..sampling.rounds {
            // Nobody always comes first.
            let first = round % contestants.len();
            let (before, from) = contestants.split_at(first);
            for contestant in from.iter().chain(before) {
                let sample = contestant.sample()?;
                samples.entry(contestant.label.clone()).or_default().push(sample);
            }
        }
        Ok(samples)
    }

    fn contestants(&self, libraries: &Libraries) -> Vec<Contestant> {
        let mut all = Vec::new();
        let mut add = |label: &str, place: Place, subject: Subject, threads: u32| {
            if let Some(measure) = libraries.measure(place) {
                let request = Request { work: self.work, subject, threads, items: self.items, iterations: 1 };
                all.push(Contestant { label: label.to_owned(), measure, request });
            }
        };
        let place = self.place;
        if self.two_threads {
            for (label, subject) in [("std", Subject::Std), ("ours", Subject::Ours)] {
                add(&format!("{label}, one thread"), place, subject, 1);
                add(&format!("{label}, two threads"), place, subject, 2);
            }
            return all;
        }
        let has_empty = !matches!(self.work, Work::ReadLoop | Work::CountLoop);
        if has_empty {
            add("empty", place, Subject::Empty, 0);
        }
        add("std", place, Subject::Std, 0);
        add("ours", place, Subject::Ours, 0);
        let in_plugin = place == Place::Plugin && !self.fallback;
        if matches!(self.work, Work::Touch | Work::Spawn) {
            if in_plugin {
                add("ours alone", place, Subject::OursAlone, 0);
                // Only a hundred items are there.
                if self.items <= 100 {
                    add("std elsewhere", Place::Rubicon, Subject::Std, 0);
                }
            }
            return all;
        }
        if self.fallback {
            return all;
        }
        add("plugin_tls 0.4.1", place, Subject::Peer, 0);
        if self.work == Work::Lazy {
            add("lazy_static", place, Subject::LazyStatic, 0);
            add("once_cell", place, Subject::OnceCell, 0);
        }
        if in_plugin {
            for (label, place) in [("rubicon", Place::Rubicon), ("rubicon unchecked", Place::RubiconUnchecked)] {
                if has_empty {
                    add(&format!("{label}, empty"), place, Subject::Empty, 0);
                }
                add(label, place, Subject::Rubicon, 0);
            }
        }
        all
    }
}

impl Contestant {
    /// Finds out how many iterations take about as long as a sample should, threads that are started included.
    fn calibrate(&mut self, duration: Duration) -> Result<()> {
        // The first time of anything is not like the others.
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
                // Threads may take longer to start than a sample should: what they do must still be much longer than a read.
                let least = if self.request.threads > 0 { 1 << 20 } else { 1 };
                self.request.iterations = ((self.request.iterations as f64 * scale) as u64).max(least);
                return Ok(());
            }
            self.request.iterations *= 4;
        }
    }

    fn sample(&self) -> Result<f64> {
        let mut fastest = self.nanoseconds()?;
        // Several threads at once are only told from one after the other where nobody else needs the processors.
        for _ in 1..if self.request.threads > 0 { TRIES } else { 1 } {
            fastest = fastest.min(self.nanoseconds()?);
        }
        let each = fastest / self.request.iterations as f64;
        Ok(match (self.request.work, self.request.threads) {
            (Work::Touch, _) => each / f64::from(self.request.items),
            (_, 0) => each,
            (_, threads) => f64::from(threads) * 1e3 / each,
        })
    }

    fn nanoseconds(&self) -> Result<f64> {
        let nanoseconds = (self.measure)(&self.request);
        ensure!(nanoseconds >= 0.0, "{} has nothing for {:?}", self.label, self.request);
        Ok(nanoseconds)
    }
}
