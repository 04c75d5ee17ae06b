//! How long the machine itself stands still: a virtual one does where its host gives the
//! processors to others, and no server can answer then.

use std::thread;
use std::time::{Duration, Instant};

/// The gaps in which a processor did nothing for us, though nothing else was to be done.
pub(crate) struct Standstill {
    /// Those of a millisecond and more, in a second, on all processors together.
    pub(crate) per_second: f64,
    /// The longest.
    pub(crate) longest: Duration,
    /// Of all time, how much at least one of the processors stood still so.
    pub(crate) share: f64,
}

/// One thread a processor reads the clock and does nothing else.
pub(crate) fn measure(during: Duration) -> Standstill {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let gaps: Vec<Duration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..processors)
            .map(|_| scope.spawn(|| gaps(during)))
            .collect();
        let gaps = threads.into_iter().map(|thread| thread.join());
        gaps.flat_map(|gaps| gaps.expect("a thread that reads the clock ends"))
            .collect()
    });
    Standstill {
        per_second: gaps.len() as f64 / during.as_secs_f64(),
        longest: gaps.iter().max().copied().unwrap_or_default(),
        share: gaps.iter().sum::<Duration>().as_secs_f64() / during.as_secs_f64(),
    }
}

fn gaps(during: Duration) -> Vec<Duration> {
    let mut gaps = Vec::new();
    let begun = Instant::now();
    let mut last = begun;
    while last < begun + during {
        let now = Instant::now();
        if now - last >= LONG {
            gaps.push(now - last);
        }
        last = now;
    }
    gaps
}

/// The p99 that is aimed at.
const LONG: Duration = Duration::from_millis(1);
