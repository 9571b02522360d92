//! Memory before and after each task (`memory_debug = true`), and what the whole run says about it.

mod pattern;

use std::collections::BTreeMap;
use std::fmt;

use crate::Bytes;
use crate::bytes::gigabytes;
pub use pattern::MemoryPattern;

/// Memory of a run. Every worker is a process with memory of its own, so each has a series of its own; a run without
/// workers is worker 0. Its methods return the lines to show.
///
/// ```
/// use e2m_resources::MemoryLog;
///
/// let mut log = MemoryLog::new(2_000_000_000);
/// assert_eq!(
///     log.before(0, "CD070/DAPI", 2_340_000_000),
///     "[mem]  2.34 GB  before CD070/DAPI"
/// );
/// assert_eq!(
///     log.after(0, "CD070/DAPI", 2_500_000_000, 3_100_000_000),
///     "[mem]  2.50 GB  after  CD070/DAPI  (peak 3.10 GB, +0.16 GB)"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct MemoryLog {
    baseline_bytes: u64,
    workers: BTreeMap<usize, Series>,
}

/// What one process held. All in bytes.
#[derive(Debug, Clone, Default)]
struct Series {
    /// When it began its first task.
    first: Option<u64>,
    /// When it began the task that is running.
    before: Option<u64>,
    tasks: Vec<pattern::Task>,
    peak: u64,
    last: u64,
}

/// What a run did with memory. Displays as the lines to show.
#[derive(Debug, Clone, PartialEq)]
pub struct MemorySummary {
    /// The worker it is about: the one whose pattern is worst, or else whose peak is highest.
    pub worker: usize,
    /// How many workers have reported anything.
    pub workers: usize,
    /// Its memory before its first task, bytes; of a run without workers, at the start.
    pub baseline_bytes: u64,
    /// The most it held, bytes.
    pub peak_bytes: u64,
    /// What it held after its last task, bytes.
    pub final_bytes: u64,
    /// What these numbers look like.
    pub pattern: MemoryPattern,
}

impl MemoryLog {
    /// A log that begins with what this process holds now, bytes.
    pub fn new(baseline_bytes: u64) -> Self {
        Self {
            baseline_bytes,
            workers: BTreeMap::new(),
        }
    }

    /// A task begins. `rss` is the resident memory of the process that runs it, bytes.
    pub fn before(&mut self, worker: usize, task: &str, rss: u64) -> String {
        let series = self.workers.entry(worker).or_default();
        series.first.get_or_insert(rss);
        series.before = Some(rss);
        series.hold(rss);
        format!("[mem]  {}  before {task}", gigabytes(rss))
    }

    /// A task has ended. `peak` is the most its process held while it ran, bytes.
    pub fn after(&mut self, worker: usize, task: &str, rss: u64, peak: u64) -> String {
        let series = self.workers.entry(worker).or_default();
        let before = series.before.take().unwrap_or(rss);
        let peak = peak.max(rss);
        series.tasks.push(pattern::Task {
            before,
            after: rss,
            peak,
        });
        series.hold(peak);
        series.last = rss;
        let sign = if rss < before { '-' } else { '+' };
        format!(
            "[mem]  {}  after  {task}  (peak {}, {sign}{})",
            gigabytes(rss),
            gigabytes(peak),
            gigabytes(rss.abs_diff(before))
        )
    }

    /// Forgets the series of a worker that was replaced by a new process.
    pub fn restarted(&mut self, worker: usize) {
        self.workers.remove(&worker);
    }

    /// What the run looks like so far.
    pub fn summary(&self) -> MemorySummary {
        let worst = self
            .workers
            .iter()
            .map(|(worker, series)| (*worker, series, pattern::of(&series.tasks)))
            .max_by_key(|(_, series, pattern)| (pattern.severity(), series.peak));
        let Some((worker, series, pattern)) = worst else {
            return MemorySummary {
                worker: 0,
                workers: 0,
                baseline_bytes: self.baseline_bytes,
                peak_bytes: self.baseline_bytes,
                final_bytes: self.baseline_bytes,
                pattern: MemoryPattern::TooFew { tasks: 0 },
            };
        };
        let alone = self.workers.len() == 1 && worker == 0;
        let first = series.first.filter(|_| !alone);
        MemorySummary {
            worker,
            workers: self.workers.len(),
            baseline_bytes: first.unwrap_or(self.baseline_bytes),
            peak_bytes: series.peak,
            final_bytes: series.last,
            pattern,
        }
    }
}

impl Series {
    fn hold(&mut self, bytes: u64) {
        self.peak = self.peak.max(bytes);
        self.last = bytes;
    }
}

impl fmt::Display for MemorySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[mem]  baseline {}, peak {}, final {}",
            gigabytes(self.baseline_bytes),
            gigabytes(self.peak_bytes),
            gigabytes(self.final_bytes)
        )?;
        if self.workers > 1 {
            write!(f, " (worker {} of {})", self.worker, self.workers)?;
        }
        write!(f, "\n[mem]  {}", self.pattern)
    }
}

impl fmt::Display for MemoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Growth { bytes_per_task } => write!(
                f,
                "memory grows by {} per task and does not return (a leak): use parallel = \"subprocess\", which gives each task a fresh process",
                Bytes(*bytes_per_task)
            ),
            Self::PeakPerTask { bytes } => write!(
                f,
                "memory peaks by {} in each task and returns: to need less, use fewer workers or a smaller pad",
                Bytes(*bytes)
            ),
            Self::Steady => write!(f, "memory is steady"),
            Self::TooFew { tasks } => {
                write!(
                    f,
                    "too few tasks to tell a pattern ({tasks} in one process)"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    #[test]
    fn lines_are_aligned_and_signed() {
        let mut log = MemoryLog::new(300 * MB);
        assert_eq!(
            log.before(0, "CD070/DAPI", 310 * MB),
            "[mem]  0.31 GB  before CD070/DAPI"
        );
        assert_eq!(
            log.after(0, "CD070/DAPI", 250 * MB, 900 * MB),
            "[mem]  0.25 GB  after  CD070/DAPI  (peak 0.90 GB, -0.06 GB)"
        );
        assert_eq!(
            log.summary().to_string(),
            "[mem]  baseline 0.30 GB, peak 0.90 GB, final 0.25 GB\n\
             [mem]  too few tasks to tell a pattern (1 in one process)"
        );
    }

    #[test]
    fn nothing_logged_is_its_baseline() {
        let summary = MemoryLog::new(5 * MB).summary();
        assert_eq!(summary.peak_bytes, 5 * MB);
        assert_eq!(summary.pattern, MemoryPattern::TooFew { tasks: 0 });
    }

    #[test]
    fn the_worker_that_grows_is_told_though_another_peaks_higher() {
        let mut log = MemoryLog::new(100 * MB);
        for i in 0..12 {
            // Both in one log, task by task; only worker 1 grows.
            log.before(0, "a", 200 * MB);
            log.before(1, "b", (300 + 20 * i) * MB);
            log.after(0, "a", 200 * MB, 5_000 * MB);
            log.after(1, "b", (320 + 20 * i) * MB, (330 + 20 * i) * MB);
        }
        let summary = log.summary();
        assert_eq!((summary.worker, summary.baseline_bytes), (1, 300 * MB));
        assert_eq!(
            summary.to_string(),
            "[mem]  baseline 0.30 GB, peak 0.55 GB, final 0.54 GB (worker 1 of 2)\n\
             [mem]  memory grows by 20 MB per task and does not return (a leak): use parallel = \"subprocess\", which gives each task a fresh process"
        );
        log.restarted(1);
        assert_eq!(
            log.summary().pattern,
            MemoryPattern::PeakPerTask { bytes: 4_800 * MB }
        );
    }
}
