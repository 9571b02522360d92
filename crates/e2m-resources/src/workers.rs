//! How many workers run at once, and how they share the processors.

use std::cmp::Reverse;
use std::fmt;

use crate::Bytes;
use crate::variables::MAX_WORKERS_VARIABLE;

/// How many workers to start, and what decides that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    /// At least 1.
    pub count: usize,
    /// What keeps it from being more.
    pub because: WorkerBound,
}

/// What bounds the number of workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerBound {
    /// There are no more tasks.
    Tasks {
        /// Tasks that are left to run.
        tasks: usize,
    },
    /// One processor is left to the rest of the machine.
    Cpus {
        /// Processors there are.
        cpus: usize,
    },
    /// One more of the largest tasks would not fit into 80 % of what is available.
    Memory {
        /// How many do fit; with none, one worker runs all the same, if the preflight lets it.
        fitting: usize,
        /// What the largest tasks need together with one worker more.
        next_bytes: u64,
        /// What is available.
        available_bytes: u64,
    },
    /// `E2M_MAX_WORKERS` says so.
    Cap {
        /// Its value.
        cap: usize,
    },
}

impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = if self.count == 1 { "worker" } else { "workers" };
        write!(f, "{} {workers}: {}", self.count, self.because)
    }
}

impl fmt::Display for WorkerBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tasks { tasks: 0 } => write!(f, "there is no task to run"),
            Self::Tasks { tasks: 1 } => write!(f, "there is 1 task to run"),
            Self::Tasks { tasks } => write!(f, "there are {tasks} tasks to run"),
            Self::Cpus { cpus: 1 } => write!(f, "there is 1 CPU"),
            Self::Cpus { cpus } => write!(f, "of {cpus} CPUs, one is left to everything else"),
            Self::Memory {
                fitting,
                next_bytes,
                available_bytes,
            } => {
                let need = match fitting {
                    0 => "even one needs",
                    _ => "one more would need",
                };
                write!(
                    f,
                    "{need} {}, more than {COMFORTABLE_PERCENT} % of the {} available",
                    Bytes(*next_bytes),
                    Bytes(*available_bytes)
                )
            }
            Self::Cap { cap } => write!(f, "{MAX_WORKERS_VARIABLE} is {cap}"),
        }
    }
}

/// The number of workers for `n_workers = "auto"`: the least of the tasks, the processors but one, and what fits into 80 %
/// of the available memory by plan; never more than `cap`, never less than 1.
///
/// Any tasks may come to run side by side, so it is the largest plans that have to fit together. `plans_bytes` are in any
/// order; with fewer plans than tasks, the others count as needing nothing.
pub fn auto_workers(
    tasks: usize,
    cpus: usize,
    available_bytes: u64,
    plans_bytes: &[u64],
    cap: Option<usize>,
) -> Workers {
    let by_cpus = cpus.saturating_sub(1).max(1);
    let mut count = tasks;
    let mut because = WorkerBound::Tasks { tasks };
    if by_cpus < count {
        (count, because) = (by_cpus, WorkerBound::Cpus { cpus });
    }
    if let Some(cap) = cap.filter(|cap| *cap < count) {
        (count, because) = (cap, WorkerBound::Cap { cap });
    }
    // Only so many are looked at: 10,000 tasks need no complete order.
    let largest = largest(plans_bytes, count);
    let mut together = 0u64;
    for (fitting, plan) in largest.into_iter().enumerate() {
        together = together.saturating_add(plan);
        if !fits(together, available_bytes, COMFORTABLE_PERCENT) {
            (count, because) = (
                fitting,
                WorkerBound::Memory {
                    fitting,
                    next_bytes: together,
                    available_bytes,
                },
            );
            break;
        }
    }
    Workers {
        count: count.max(1),
        because,
    }
}

/// The part of what is available that may be used without a second thought, percent: estimates err, and others use
/// memory and disk too.
pub(crate) const COMFORTABLE_PERCENT: u64 = 80;

/// Whether `need` is at most `percent` of `available`, exactly.
pub(crate) fn fits(need: u64, available: u64, percent: u64) -> bool {
    u128::from(need) * 100 <= u128::from(available) * u128::from(percent)
}

/// The `count` largest, in descending order.
pub(crate) fn largest(values: &[u64], count: usize) -> Vec<u64> {
    let mut values = values.to_vec();
    if count == 0 {
        return Vec::new();
    }
    if count < values.len() {
        values.select_nth_unstable_by_key(count - 1, |value| Reverse(*value));
        values.truncate(count);
    }
    values.sort_unstable_by_key(|value| Reverse(*value));
    values
}

/// Compute threads of the worker with this index (from 0): all of `threads` are given out, none twice, but every worker
/// has at least one.
pub fn threads_per_worker(threads: usize, workers: usize, index: usize) -> usize {
    let workers = workers.max(1);
    let rest = usize::from(index < threads % workers);
    (threads / workers + rest).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn count(
        tasks: usize,
        cpus: usize,
        available: u64,
        plans: &[u64],
        cap: Option<usize>,
    ) -> usize {
        auto_workers(tasks, cpus, available, plans, cap).count
    }

    #[test]
    fn the_least_of_tasks_cpus_memory_and_cap() {
        let plans = [GB; 12];
        assert_eq!(count(12, 8, 100 * GB, &plans, None), 7);
        assert_eq!(count(3, 8, 100 * GB, &plans[..3], None), 3);
        assert_eq!(count(12, 8, 5 * GB, &plans, None), 4);
        assert_eq!(count(12, 8, 5 * GB - 1, &plans, None), 3);
        assert_eq!(count(12, 8, 100 * GB, &plans, Some(2)), 2);
        assert_eq!(count(12, 1, 100 * GB, &plans, None), 1);
        assert_eq!(count(12, 2, 100 * GB, &plans, None), 1);
        // There is one worker even where nothing fits: the preflight refuses, not this function.
        assert_eq!(count(12, 8, GB / 2, &plans, None), 1);
        assert_eq!(count(0, 8, GB, &[], None), 1);
    }

    #[test]
    fn of_mixed_sizes_the_largest_have_to_fit_together() {
        // 8 GB may be used: 5 + 2 fit, 5 + 2 + 2 do not, whatever the order.
        let plans = [GB / 10, 2 * GB, GB / 10, 5 * GB, GB / 10, 2 * GB];
        let workers = auto_workers(6, 16, 10 * GB, &plans, None);
        assert_eq!(
            workers.to_string(),
            "2 workers: one more would need 9.00 GB, more than 80 % of the 10.00 GB available"
        );
    }

    #[test]
    fn the_reason_is_told() {
        let said = |tasks, cpus, cap| auto_workers(tasks, cpus, GB, &[], cap).to_string();
        assert_eq!(said(1, 4, None), "1 worker: there is 1 task to run");
        assert_eq!(
            said(9, 4, None),
            "3 workers: of 4 CPUs, one is left to everything else"
        );
        assert_eq!(said(9, 4, Some(2)), "2 workers: E2M_MAX_WORKERS is 2");
        assert_eq!(
            auto_workers(2, 4, GB, &[3 * GB, 3 * GB], None).to_string(),
            "1 worker: even one needs 3.00 GB, more than 80 % of the 1.00 GB available"
        );
    }

    #[test]
    fn threads_are_given_out_once() {
        for threads in 1..40 {
            for workers in 1..=threads {
                let shares = (0..workers).map(|i| threads_per_worker(threads, workers, i));
                assert_eq!(shares.clone().sum::<usize>(), threads);
                assert!(shares.clone().max() <= shares.min().map(|least| least + 1));
            }
        }
        assert_eq!(threads_per_worker(2, 4, 3), 1);
        assert_eq!(threads_per_worker(0, 0, 0), 1);
    }
}
