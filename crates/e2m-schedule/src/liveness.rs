//! Whether a running task lives: its messages and its processor time are signs of life.

use std::time::{Duration, Instant};

/// The processor time between two measurements, about a second apart, that counts as a sign of life. Waiting threads use
/// less, and one tick (10 ms) may be their waiting added up.
const MIN_CPU_SECONDS: f64 = 0.02;

/// When a task last showed that it lives.
#[derive(Debug, Clone)]
pub(crate) struct Liveness {
    last_sign: Instant,
    cpu_seconds: Option<f64>,
    stall_reported: bool,
}

impl Liveness {
    /// A task that lives at `now` and has used this much processor time, if that is known.
    pub(crate) fn new(now: Instant, cpu_seconds: Option<f64>) -> Self {
        Self {
            last_sign: now,
            cpu_seconds,
            stall_reported: false,
        }
    }

    /// The task gave a sign of life.
    pub(crate) fn record_sign(&mut self, now: Instant) {
        self.last_sign = now;
        self.stall_reported = false;
    }

    /// The processor time of the task's process was measured.
    pub(crate) fn record_cpu(&mut self, cpu_seconds: f64, now: Instant) {
        let before = self.cpu_seconds.replace(cpu_seconds);
        if before.is_some_and(|before| cpu_seconds - before >= MIN_CPU_SECONDS) {
            self.record_sign(now);
        }
    }

    /// How long there has been no sign of life.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_sign)
    }

    /// Whether a stall begins: `true` once per stall.
    pub(crate) fn stall_begins(&mut self, stall_after: Duration, now: Instant) -> bool {
        let begins = !self.stall_reported && self.silence(now) >= stall_after;
        self.stall_reported |= begins;
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_reported_once_and_again_after_a_sign_of_life() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let limit = Duration::from_secs(60);
        let mut liveness = Liveness::new(start, Some(1.0));
        liveness.record_cpu(1.01, at(30)); // a tick is no sign of life
        assert!(!liveness.stall_begins(limit, at(59)));
        assert!(liveness.stall_begins(limit, at(60)));
        assert!(!liveness.stall_begins(limit, at(70)));
        liveness.record_cpu(1.5, at(71));
        assert!(!liveness.stall_begins(limit, at(130)));
        assert!(liveness.stall_begins(limit, at(131)));
        liveness.record_sign(at(132));
        assert_eq!(liveness.silence(at(140)), Duration::from_secs(8));
    }
}
