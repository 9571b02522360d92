//! Which job is next: weighted admission.
//!
//! Pure bookkeeping without clocks or processes.

use std::collections::VecDeque;

/// How many later jobs may start before a job; after that it is next.
const MOST_OVERTAKEN: u32 = 8;

/// A job that waits for a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WaitingJob {
    pub(crate) job: usize,
    /// Bytes.
    pub(crate) plan_bytes: u64,
    /// The number of its next run, from 1.
    pub(crate) attempt: u32,
    /// How many runs until now ended because the worker ran out of memory.
    pub(crate) memory_deaths: u32,
    /// How many of the runs until now were stopped because memory ran low.
    pub(crate) postponed: u32,
    overtaken: u32,
}

impl WaitingJob {
    /// A job that never ran.
    pub(crate) fn new(job: usize, plan_bytes: u64) -> Self {
        Self {
            job,
            plan_bytes,
            attempt: 1,
            memory_deaths: 0,
            postponed: 0,
            overtaken: 0,
        }
    }
}

/// What may be taken up at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// The budget less the plans of what runs; `None` without a budget.
    pub(crate) budget_bytes: Option<u64>,
    /// Available memory less what has to stay available; `None` where nobody looks.
    pub(crate) spare_bytes: Option<u64>,
    /// Whether nothing runs.
    pub(crate) idle: bool,
}

impl Capacity {
    fn fits(&self, waiting: &WaitingJob) -> bool {
        let within = |limit: Option<u64>| limit.is_none_or(|limit| waiting.plan_bytes <= limit);
        // Only a job that was stopped for want of memory has to wait until its whole plan is free. A plan is what a task
        // takes at most, so waiting for it costs time that is rarely needed.
        let spare = waiting.postponed == 0 || within(self.spare_bytes);
        self.idle || (within(self.budget_bytes) && spare)
    }
}

/// The jobs that wait, first come first served as far as they fit.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<WaitingJob>,
}

impl Queue {
    /// Jobs that never ran, in their order.
    pub(crate) fn new(plans: impl Iterator<Item = u64>) -> Self {
        let waiting = plans.enumerate();
        Self {
            waiting: waiting
                .map(|(job, plan_bytes)| WaitingJob::new(job, plan_bytes))
                .collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Puts a job behind all others.
    pub(crate) fn push_back(&mut self, waiting: WaitingJob) {
        self.waiting.push_back(waiting);
    }

    /// Puts a job before all others.
    pub(crate) fn push_front(&mut self, waiting: WaitingJob) {
        self.waiting.push_front(waiting);
    }

    /// Drops all jobs that wait.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Takes the first job that fits. No job is overtaken more than [`MOST_OVERTAKEN`] times.
    pub(crate) fn take(&mut self, capacity: Capacity) -> Option<WaitingJob> {
        let index = self.waiting.iter().position(|waiting| {
            // A job that was stopped for want of memory is not overtaken: others would take the memory it waits for.
            capacity.fits(waiting) || waiting.overtaken >= MOST_OVERTAKEN || waiting.postponed > 0
        })?;
        if !capacity.fits(&self.waiting[index]) {
            return None;
        }
        for overtaken in self.waiting.range_mut(..index) {
            overtaken.overtaken += 1;
        }
        self.waiting.remove(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(budget_bytes: u64) -> Capacity {
        Capacity {
            budget_bytes: Some(budget_bytes),
            spare_bytes: None,
            idle: false,
        }
    }

    fn take(queue: &mut Queue, capacity: Capacity) -> Option<usize> {
        queue.take(capacity).map(|waiting| waiting.job)
    }

    #[test]
    fn the_first_that_fits_is_next() {
        let mut queue = Queue::new([8, 2, 5].into_iter());
        assert_eq!(take(&mut queue, capacity(4)), Some(1));
        assert_eq!(take(&mut queue, capacity(4)), None);
        assert_eq!(take(&mut queue, capacity(8)), Some(0));
        assert_eq!(take(&mut queue, capacity(5)), Some(2));
        assert!(queue.is_empty());
    }

    #[test]
    fn what_exceeds_the_whole_budget_runs_alone() {
        let mut queue = Queue::new([100].into_iter());
        assert_eq!(take(&mut queue, capacity(10)), None);
        let idle = Capacity {
            idle: true,
            ..capacity(10)
        };
        assert_eq!(take(&mut queue, idle), Some(0));
    }

    #[test]
    fn after_eight_overtakings_nothing_passes() {
        let mut queue = Queue::new(std::iter::once(10).chain([1; 20]));
        for expected in 1..=8 {
            assert_eq!(take(&mut queue, capacity(5)), Some(expected));
        }
        assert_eq!(take(&mut queue, capacity(5)), None);
        assert_eq!(take(&mut queue, capacity(10)), Some(0));
        assert_eq!(take(&mut queue, capacity(5)), Some(9));
    }

    #[test]
    fn without_a_budget_they_come_in_order() {
        let mut queue = Queue::new([3, 2, 1].into_iter());
        let capacity = Capacity {
            budget_bytes: None,
            ..capacity(0)
        };
        let order: Vec<_> = std::iter::from_fn(|| take(&mut queue, capacity)).collect();
        assert_eq!(order, [0, 1, 2]);
    }

    #[test]
    fn a_postponed_job_waits_for_its_plan_and_nothing_passes_it() {
        let mut queue = Queue::new([1].into_iter());
        queue.push_front(WaitingJob {
            postponed: 1,
            ..WaitingJob::new(7, 10)
        });
        let spare = |spare_bytes, idle| Capacity {
            budget_bytes: None,
            spare_bytes: Some(spare_bytes),
            idle,
        };
        assert_eq!(take(&mut queue, spare(9, false)), None);
        assert_eq!(take(&mut queue, spare(10, false)), Some(7));
        queue.push_front(WaitingJob {
            postponed: 1,
            ..WaitingJob::new(7, 10)
        });
        assert_eq!(take(&mut queue, spare(0, true)), Some(7));
    }
}
