//! When a supervisor has to act by itself: points in time, compared with a `now` that the caller passes.

use std::time::{Duration, Instant};

/// Between two measurements while there is a memory limit.
const LIMIT_INTERVAL: Duration = Duration::from_millis(50);

/// Between two measurements otherwise; they give the peak in a failure's report.
const PEAK_INTERVAL: Duration = Duration::from_millis(250);

/// Between two measurements that are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How long a process may live after it closed a pipe. One that exits closes its pipes a moment before it is dead; one that
/// lives longer closed them on purpose.
const CLOSING_GRACE: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Deadlines {
    handshake: Option<Instant>,
    kill: Option<Instant>,
    closed: Option<Instant>,
    measurement: Option<Instant>,
    report: Instant,
    interval: Duration,
}

impl Deadlines {
    /// For a process that was started at `now` and has to say hello within `handshake`.
    pub(super) fn new(now: Instant, handshake: Duration, has_memory_limit: bool) -> Self {
        Self {
            handshake: Some(now + handshake),
            kill: None,
            closed: None,
            measurement: None,
            report: now,
            interval: if has_memory_limit {
                LIMIT_INTERVAL
            } else {
                PEAK_INTERVAL
            },
        }
    }

    /// The earliest.
    pub(super) fn next(&self) -> Option<Instant> {
        let all = [self.handshake, self.kill, self.closed, self.measurement];
        all.into_iter().flatten().min()
    }

    /// The process said hello, or it does not matter any more.
    pub(super) fn clear_handshake(&mut self) {
        self.handshake = None;
    }

    /// Whether the process should have said hello by now.
    pub(super) fn handshake_is_late(&self, now: Instant) -> bool {
        self.handshake.is_some_and(|by| now >= by)
    }

    /// The process is to be killed at `at`, if not before.
    pub(super) fn kill_at(&mut self, at: Instant) {
        self.kill = Some(self.kill.map_or(at, |earlier| earlier.min(at)));
    }

    /// Whether to kill the process now; `true` once.
    pub(super) fn kill_is_due(&mut self, now: Instant) -> bool {
        self.kill.take_if(|at| now >= *at).is_some()
    }

    /// The process closed a pipe.
    pub(super) fn pipe_closed(&mut self, now: Instant) {
        self.closed.get_or_insert(now + CLOSING_GRACE);
    }

    /// Whether the process still lives long after it closed a pipe; `true` once.
    pub(super) fn lives_without_pipes(&mut self, now: Instant) -> bool {
        self.closed.take_if(|at| now >= *at).is_some()
    }

    /// A task starts.
    pub(super) fn task_started(&mut self, now: Instant) {
        self.measurement = Some(now + self.interval);
        self.report = now + REPORT_INTERVAL;
    }

    /// The task has its answer.
    pub(super) fn task_ended(&mut self) {
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

    /// Whether to report a measurement made now; the next time comes later.
    pub(super) fn report_is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.report;
        if due {
            self.report = now + REPORT_INTERVAL;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_is_the_earliest() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut deadlines = Deadlines::new(start, Duration::from_secs(30), true);
        assert_eq!(deadlines.next(), Some(at(30_000)));
        assert!(
            !deadlines.handshake_is_late(at(29_999)) && deadlines.handshake_is_late(at(30_000))
        );
        deadlines.clear_handshake();
        assert_eq!(deadlines.next(), None);
        deadlines.task_started(at(100));
        assert_eq!(deadlines.next(), Some(at(150)));
        assert!(deadlines.measurement_is_due(at(160)) && !deadlines.measurement_is_due(at(200)));
        assert!(!deadlines.report_is_due(at(1099)) && deadlines.report_is_due(at(1100)));
        deadlines.task_ended();
        deadlines.kill_at(at(9000));
        deadlines.kill_at(at(5000));
        deadlines.kill_at(at(7000));
        assert_eq!(deadlines.next(), Some(at(5000)));
        deadlines.pipe_closed(at(1000));
        deadlines.pipe_closed(at(1500));
        assert_eq!(deadlines.next(), Some(at(2000)));
        assert!(
            deadlines.lives_without_pipes(at(2000)) && !deadlines.lives_without_pipes(at(2001))
        );
        assert!(deadlines.kill_is_due(at(5000)) && !deadlines.kill_is_due(at(5001)));
    }
}
