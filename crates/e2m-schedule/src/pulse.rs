//! Signs of life of a running task.

use std::time::{Duration, Instant};

/// Processor time between two measurements, about a second apart, that counts as life: less is what waiting threads
/// take for waiting, and one tick (10 ms) may be such waiting added up.
const LIVELY_SECONDS: f64 = 0.02;

/// When a task last showed that it lives.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    last_sign: Instant,
    cpu_seconds: Option<f64>,
    stall_told: bool,
}

impl Pulse {
    /// It lives at `now`, having used this much processor time if that is known.
    pub(crate) fn new(now: Instant, cpu_seconds: Option<f64>) -> Self {
        Self {
            last_sign: now,
            cpu_seconds,
            stall_told: false,
        }
    }

    /// It said something.
    pub(crate) fn beat(&mut self, now: Instant) {
        self.last_sign = now;
        self.stall_told = false;
    }

    /// Its processor time was measured.
    pub(crate) fn measure(&mut self, cpu_seconds: f64, now: Instant) {
        let before = self.cpu_seconds.replace(cpu_seconds);
        if before.is_some_and(|before| cpu_seconds - before >= LIVELY_SECONDS) {
            self.beat(now);
        }
    }

    /// How long there was no sign.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_sign)
    }

    /// Whether a stall begins: `true` once per stall.
    pub(crate) fn stalls(&mut self, stall_after: Duration, now: Instant) -> bool {
        let stalls = !self.stall_told && self.silence(now) >= stall_after;
        self.stall_told |= stalls;
        stalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_told_once_and_again_after_a_sign_of_life() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let limit = Duration::from_secs(60);
        let mut pulse = Pulse::new(start, Some(1.0));
        pulse.measure(1.01, at(30)); // a tick is no life
        assert!(!pulse.stalls(limit, at(59)));
        assert!(pulse.stalls(limit, at(60)));
        assert!(!pulse.stalls(limit, at(70)));
        pulse.measure(1.5, at(71));
        assert!(!pulse.stalls(limit, at(130)));
        assert!(pulse.stalls(limit, at(131)));
        pulse.beat(at(132));
        assert_eq!(pulse.silence(at(140)), Duration::from_secs(8));
    }
}
