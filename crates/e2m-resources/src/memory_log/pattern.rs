//! Growth, a peak per task, or neither: decided by what a process held after each task.
//!
//! The first task is left out: buffers and thread stacks that are kept from then on come with it. Of the others, memory
//! after the task is taken against the task's number.
//!
//! - *Growth* has three conditions. The Theil-Sen slope is at least [`GROWTH_PER_TASK`]; that is the median of the slopes
//!   between all pairs of tasks, which a few large images do not move. What the slope adds up to over the run stands out of
//!   the noise, which is the median distance from the line. The later half alone still grows by a fair part of it: a process
//!   that fills its caches and stops is steady.
//! - *Peak per task*: the median task rises by [`PEAK_BYTES`], and by a quarter of what the process holds anyway, above the
//!   larger of before and after.
//! - Anything else is *steady*. With fewer than [`FEWEST_FOR_GROWTH`] tasks nobody can tell growth from chance.
//!
//! Sen, P. K. (1968): Estimates of the regression coefficient based on Kendall's tau. J. Am. Stat. Assoc. 63, 1379-1389.
//! doi:10.1080/01621459.1968.10480934

/// What one process held around a task, bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) peak: u64,
}

/// What memory did over a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryPattern {
    /// It grows from task to task and never returns: a leak.
    Growth {
        /// By how much, bytes.
        bytes_per_task: u64,
    },
    /// It rises in each task and returns.
    PeakPerTask {
        /// By how much, bytes; the median.
        bytes: u64,
    },
    /// Neither.
    Steady,
    /// One process has seen too few tasks.
    TooFew {
        /// How many.
        tasks: usize,
    },
}

impl MemoryPattern {
    pub(super) fn severity(self) -> u8 {
        match self {
            Self::Growth { .. } => 3,
            Self::PeakPerTask { .. } => 2,
            Self::Steady => 1,
            Self::TooFew { .. } => 0,
        }
    }
}

/// Growth below this, bytes per task, is what allocators do; a night of 1,000 tasks survives it.
const GROWTH_PER_TASK: f64 = 4e6;
/// Growth over the run has to be so many times the noise.
const GROWTH_OVER_NOISE: f64 = 3.0;
/// The later half has to grow by this part of the whole's slope at least.
const STILL_GROWING: f64 = 0.3;
/// Tasks, the first not counted, below which nothing is said about growth.
const FEWEST_FOR_GROWTH: usize = 5;
/// Tasks, the first counted, from which a median rise means something.
const FEWEST_FOR_PEAK: usize = 3;
/// A rise below this, bytes, is not worth a setting.
const PEAK_BYTES: f64 = 64e6;
/// A rise has to be this part of what is held anyway.
const PEAK_PART: f64 = 0.25;
/// Of more tasks than this, evenly spaced ones are taken: all pairs are looked at.
const MOST: usize = 240;

pub(super) fn of(tasks: &[Task]) -> MemoryPattern {
    let settled = tasks.get(1..).unwrap_or_default();
    let after: Vec<f64> = settled.iter().map(|task| task.after as f64).collect();
    if let Some(slope) = growth(&after) {
        return MemoryPattern::Growth {
            bytes_per_task: slope.round() as u64,
        };
    }
    if let Some(rise) = rise_per_task(tasks) {
        return MemoryPattern::PeakPerTask {
            bytes: rise.round() as u64,
        };
    }
    if settled.len() < FEWEST_FOR_GROWTH {
        return MemoryPattern::TooFew { tasks: tasks.len() };
    }
    MemoryPattern::Steady
}

/// Bytes per task, if memory grows.
fn growth(after: &[f64]) -> Option<f64> {
    if after.len() < FEWEST_FOR_GROWTH {
        return None;
    }
    let points = thinned(after);
    let slope = slope(&points);
    let offsets: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
    let line = median(offsets.clone());
    let noise = median(offsets.iter().map(|offset| (offset - line).abs()).collect());
    let total = slope * (after.len() - 1) as f64;
    let later = self::slope(&points[points.len() / 2..]);
    let grows = slope >= GROWTH_PER_TASK
        && total >= GROWTH_OVER_NOISE * noise
        && later >= STILL_GROWING * slope;
    grows.then_some(slope)
}

/// Task number and bytes, at most [`MOST`] of them.
fn thinned(after: &[f64]) -> Vec<(f64, f64)> {
    let step = after.len().div_ceil(MOST);
    let points = after.iter().enumerate().step_by(step);
    points.map(|(i, y)| (i as f64, *y)).collect()
}

/// Theil-Sen slope.
fn slope(points: &[(f64, f64)]) -> f64 {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (i, (x0, y0)) in points.iter().enumerate() {
        slopes.extend(points[i + 1..].iter().map(|(x, y)| (y - y0) / (x - x0)));
    }
    median(slopes)
}

/// The median rise of a task above what is held before and after, bytes, if it is worth telling.
fn rise_per_task(tasks: &[Task]) -> Option<f64> {
    if tasks.len() < FEWEST_FOR_PEAK {
        return None;
    }
    let held = |task: &Task| task.before.max(task.after);
    let rises = tasks
        .iter()
        .map(|task| task.peak.saturating_sub(held(task)) as f64);
    let rise = median(rises.collect());
    let floor = median(tasks.iter().map(|task| held(task) as f64).collect());
    (rise >= PEAK_BYTES && rise >= PEAK_PART * floor).then_some(rise)
}

/// Of an even number the mean of the two in the middle; of none 0.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => (values[middle - 1] + value) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: f64 = 1e6;

    /// Reproducible noise between -1 and 1 (xorshift64).
    fn noise(seed: u64) -> impl Iterator<Item = f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
    }

    /// Tasks that hold so many megabytes after each, and peak by `rise` above that.
    fn tasks(after: impl IntoIterator<Item = f64>, rise: f64) -> Vec<Task> {
        let mut before = 100.0 * MB;
        after
            .into_iter()
            .map(|after| {
                let after = after * MB;
                let task = Task {
                    before: before as u64,
                    after: after as u64,
                    peak: (before.max(after) + rise * MB) as u64,
                };
                before = after;
                task
            })
            .collect()
    }

    fn is_growth(pattern: MemoryPattern) -> bool {
        matches!(pattern, MemoryPattern::Growth { .. })
    }

    #[test]
    fn a_leak_is_seen_through_noise_with_its_size() {
        for seed in 1..50 {
            let after = noise(seed).take(20).enumerate();
            let after = after.map(|(i, e)| 300.0 + 30.0 * i as f64 + 40.0 * e);
            let MemoryPattern::Growth { bytes_per_task } = of(&tasks(after, 1000.0)) else {
                panic!("seed {seed}: no growth");
            };
            let error = (bytes_per_task as f64 - 30.0 * MB).abs();
            assert!(error < 8.0 * MB, "seed {seed}: {bytes_per_task}");
        }
    }

    #[test]
    fn noise_alone_is_steady() {
        let mut alarms = 0;
        for seed in 1..200 {
            let after = noise(seed).take(20).map(|e| 600.0 + 100.0 * e);
            alarms += usize::from(is_growth(of(&tasks(after, 0.0))));
        }
        // A slope of three times the noise over the run by chance: rare.
        assert!(alarms <= 6, "{alarms} of 199");
        let quiet = noise(3).take(20).map(|e| 600.0 + e);
        assert_eq!(of(&tasks(quiet, 10.0)), MemoryPattern::Steady);
    }

    #[test]
    fn what_fills_up_and_stops_is_steady() {
        let after = (0..30).map(|i| 900.0 - 600.0 * (-f64::from(i) / 4.0).exp());
        assert_eq!(of(&tasks(after, 20.0)), MemoryPattern::Steady);
        // All at once, with the first task.
        assert_eq!(of(&tasks([800.0; 8], 20.0)), MemoryPattern::Steady);
    }

    #[test]
    fn a_few_large_images_are_no_leak_and_hide_none() {
        let large = |i: i32| if i % 5 == 4 { 700.0 } else { 0.0 };
        let flat = (0..25).map(|i| 300.0 + large(i));
        assert_eq!(of(&tasks(flat, 10.0)), MemoryPattern::Steady);
        let leaking = (0..25).map(|i| 300.0 + 25.0 * f64::from(i) + large(i));
        assert!(is_growth(of(&tasks(leaking, 10.0))));
    }

    #[test]
    fn a_peak_in_each_task_that_returns() {
        let pattern = of(&tasks([300.0; 10], 1200.0));
        assert_eq!(
            pattern,
            MemoryPattern::PeakPerTask {
                bytes: 1_200_000_000
            }
        );
        // One large image among many is not a peak in each task.
        let mut once = tasks([300.0; 10], 10.0);
        once[5].peak = 3_000_000_000;
        assert_eq!(of(&once), MemoryPattern::Steady);
    }

    #[test]
    fn few_tasks_say_nothing_about_growth() {
        let after = |n: i32| (0..n).map(|i| 300.0 + 50.0 * f64::from(i));
        assert_eq!(
            of(&tasks(after(5), 10.0)),
            MemoryPattern::TooFew { tasks: 5 }
        );
        assert!(is_growth(of(&tasks(after(6), 10.0))));
        assert_eq!(of(&[]), MemoryPattern::TooFew { tasks: 0 });
    }

    #[test]
    fn a_long_run_is_thinned_and_still_exact() {
        let after = (0..20_000).map(|i| 300.0 + 5.0 * f64::from(i));
        assert_eq!(
            of(&tasks(after, 0.0)),
            MemoryPattern::Growth {
                bytes_per_task: 5_000_000
            }
        );
    }
}
