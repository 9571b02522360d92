//! Which job is next: weighted admission.
//!
//! Pure bookkeeping without clocks or processes.

use std::collections::VecDeque;

/// How often a job may see later ones start before it; then nothing overtakes it any more.
const MOST_OVERTAKEN: u32 = 8;

/// A job that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) job: usize,
    /// Bytes.
    pub(crate) plan_bytes: u64,
    /// Of its next run, from 1.
    pub(crate) attempt: u32,
    /// How many of the runs until now ended in a death of memory.
    pub(crate) memory_deaths: u32,
    /// How many of the runs until now were stopped because memory ran low.
    pub(crate) postponed: u32,
    overtaken: u32,
}

impl Waiting {
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

/// What there is room for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// The budget less the plans of what runs; `None` without a budget.
    pub(crate) budget_bytes: Option<u64>,
    /// Available memory less what has to stay available; `None` where nobody looks.
    pub(crate) spare_bytes: Option<u64>,
    /// Whether nothing runs.
    pub(crate) idle: bool,
}

impl Room {
    fn fits(&self, waiting: &Waiting) -> bool {
        let within = |limit: Option<u64>| limit.is_none_or(|limit| waiting.plan_bytes <= limit);
        // Only a job that was stopped for want of memory has to wait until its whole plan is free: plans are what a task
        // takes at most, and a batch that waits for more than it needs wastes the night.
        let spare = waiting.postponed == 0 || within(self.spare_bytes);
        self.idle || (within(self.budget_bytes) && spare)
    }
}

/// The jobs that wait, first come first served as far as there is room.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
}

impl Queue {
    /// Jobs that never ran, in their order.
    pub(crate) fn new(plans: impl Iterator<Item = u64>) -> Self {
        let waiting = plans.enumerate();
        Self {
            waiting: waiting
                .map(|(job, plan_bytes)| Waiting::new(job, plan_bytes))
                .collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Puts a job behind all others.
    pub(crate) fn put_last(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Puts a job before all others.
    pub(crate) fn put_first(&mut self, waiting: Waiting) {
        self.waiting.push_front(waiting);
    }

    /// Nothing waits any more.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Takes the first job that fits, without letting a job be overtaken for ever.
    pub(crate) fn take(&mut self, room: Room) -> Option<Waiting> {
        let place = self.waiting.iter().position(|waiting| {
            // What was stopped for want of memory blocks the way: others would take the memory it waits for.
            room.fits(waiting) || waiting.overtaken >= MOST_OVERTAKEN || waiting.postponed > 0
        })?;
        if !room.fits(&self.waiting[place]) {
            return None;
        }
        for overtaken in self.waiting.range_mut(..place) {
            overtaken.overtaken += 1;
        }
        self.waiting.remove(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(budget_bytes: u64) -> Room {
        Room {
            budget_bytes: Some(budget_bytes),
            spare_bytes: None,
            idle: false,
        }
    }

    fn take(queue: &mut Queue, room: Room) -> Option<usize> {
        queue.take(room).map(|waiting| waiting.job)
    }

    #[test]
    fn the_first_that_fits_is_next() {
        let mut queue = Queue::new([8, 2, 5].into_iter());
        assert_eq!(take(&mut queue, room(4)), Some(1));
        assert_eq!(take(&mut queue, room(4)), None);
        assert_eq!(take(&mut queue, room(8)), Some(0));
        assert_eq!(take(&mut queue, room(5)), Some(2));
        assert!(queue.is_empty());
    }

    #[test]
    fn what_exceeds_the_whole_budget_runs_alone() {
        let mut queue = Queue::new([100].into_iter());
        assert_eq!(take(&mut queue, room(10)), None);
        let idle = Room {
            idle: true,
            ..room(10)
        };
        assert_eq!(take(&mut queue, idle), Some(0));
    }

    #[test]
    fn after_eight_overtakings_nothing_passes() {
        let mut queue = Queue::new(std::iter::once(10).chain([1; 20]));
        for expected in 1..=8 {
            assert_eq!(take(&mut queue, room(5)), Some(expected));
        }
        assert_eq!(take(&mut queue, room(5)), None);
        assert_eq!(take(&mut queue, room(10)), Some(0));
        assert_eq!(take(&mut queue, room(5)), Some(9));
    }

    #[test]
    fn without_a_budget_they_come_in_order() {
        let mut queue = Queue::new([3, 2, 1].into_iter());
        let room = Room {
            budget_bytes: None,
            ..room(0)
        };
        let order: Vec<_> = std::iter::from_fn(|| take(&mut queue, room)).collect();
        assert_eq!(order, [0, 1, 2]);
    }

    #[test]
    fn a_postponed_job_waits_for_its_plan_and_nothing_passes_it() {
        let mut queue = Queue::new([1].into_iter());
        queue.put_first(Waiting {
            postponed: 1,
            ..Waiting::new(7, 10)
        });
        let spare = |spare_bytes, idle| Room {
            budget_bytes: None,
            spare_bytes: Some(spare_bytes),
            idle,
        };
        assert_eq!(take(&mut queue, spare(9, false)), None);
        assert_eq!(take(&mut queue, spare(10, false)), Some(7));
        queue.put_first(Waiting {
            postponed: 1,
            ..Waiting::new(7, 10)
        });
        assert_eq!(take(&mut queue, spare(0, true)), Some(7));
    }
}
