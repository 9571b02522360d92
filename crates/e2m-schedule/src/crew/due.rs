//! When an attendant has to act without being told: points in time, no clock.

use std::time::{Duration, Instant};

/// Between two looks at the memory while there is a limit.
const LIMIT_INTERVAL: Duration = Duration::from_millis(50);

/// Between two looks at the memory otherwise, for the peak in a failure's report.
const PEAK_INTERVAL: Duration = Duration::from_millis(250);

/// Between two measurements that are told.
const TOLD_INTERVAL: Duration = Duration::from_secs(1);

/// A dying process closes its pipes a moment before it is dead; one that lives longer than this closed them on purpose.
const CLOSING_GRACE: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Due {
    greeting: Option<Instant>,
    kill: Option<Instant>,
    closed: Option<Instant>,
    measurement: Option<Instant>,
    telling: Instant,
    interval: Duration,
}

impl Due {
    /// A process that was started at `now` and has to say hello within `handshake`.
    pub(super) fn new(now: Instant, handshake: Duration, has_memory_limit: bool) -> Self {
        Self {
            greeting: Some(now + handshake),
            kill: None,
            closed: None,
            measurement: None,
            telling: now,
            interval: if has_memory_limit {
                LIMIT_INTERVAL
            } else {
                PEAK_INTERVAL
            },
        }
    }

    /// The first of all.
    pub(super) fn next(&self) -> Option<Instant> {
        let all = [self.greeting, self.kill, self.closed, self.measurement];
        all.into_iter().flatten().min()
    }

    /// It said hello, or it does not matter any more.
    pub(super) fn no_greeting(&mut self) {
        self.greeting = None;
    }

    /// Whether it should have said hello by now.
    pub(super) fn greeting_is_late(&self, now: Instant) -> bool {
        self.greeting.is_some_and(|by| now >= by)
    }

    /// It is to be killed at `at`, if not before.
    pub(super) fn kill_at(&mut self, at: Instant) {
        self.kill = Some(self.kill.map_or(at, |earlier| earlier.min(at)));
    }

    /// Whether to kill it now; said once.
    pub(super) fn kill_is_due(&mut self, now: Instant) -> bool {
        self.kill.take_if(|at| now >= *at).is_some()
    }

    /// It closed a pipe.
    pub(super) fn pipe_closed(&mut self, now: Instant) {
        self.closed.get_or_insert(now + CLOSING_GRACE);
    }

    /// Whether it closed a pipe and lives; said once.
    pub(super) fn lives_without_pipes(&mut self, now: Instant) -> bool {
        self.closed.take_if(|at| now >= *at).is_some()
    }

    /// A task begins.
    pub(super) fn task_begins(&mut self, now: Instant) {
        self.measurement = Some(now + self.interval);
        self.telling = now + TOLD_INTERVAL;
    }

    /// The task is over.
    pub(super) fn task_ends(&mut self) {
        self.measurement = None;
    }

    /// Whether to measure now; the next time comes later.
    pub(super) fn measurement_is_due(&mut self, now: Instant) -> bool {
        let due = self.measurement.is_some_and(|at| now >= at);
        if due {
            self.measurement = Some(now + self.interval);
        }
        due
    }

    /// Whether to tell a measurement made now; the next time comes later.
    pub(super) fn telling_is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.telling;
        if due {
            self.telling = now + TOLD_INTERVAL;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_is_the_first_of_all() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut due = Due::new(start, Duration::from_secs(30), true);
        assert_eq!(due.next(), Some(at(30_000)));
        assert!(!due.greeting_is_late(at(29_999)) && due.greeting_is_late(at(30_000)));
        due.no_greeting();
        assert_eq!(due.next(), None);
        due.task_begins(at(100));
        assert_eq!(due.next(), Some(at(150)));
        assert!(due.measurement_is_due(at(160)) && !due.measurement_is_due(at(200)));
        assert!(!due.telling_is_due(at(1099)) && due.telling_is_due(at(1100)));
        due.task_ends();
        due.kill_at(at(9000));
        due.kill_at(at(5000));
        due.kill_at(at(7000));
        assert_eq!(due.next(), Some(at(5000)));
        due.pipe_closed(at(1000));
        due.pipe_closed(at(1500));
        assert_eq!(due.next(), Some(at(2000)));
        assert!(due.lives_without_pipes(at(2000)) && !due.lives_without_pipes(at(2001)));
        assert!(due.kill_is_due(at(5000)) && !due.kill_is_due(at(5001)));
    }
}
