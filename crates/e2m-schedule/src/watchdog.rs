//! Whether the machine has memory left: turns readings into advice.
//!
//! It does no I/O: the scheduler reads the memory and follows the advice.

use std::time::{Duration, Instant};

/// Tasks start again when the minimum is exceeded by this part of it, percent. Without a margin, memory that hovers at the
/// minimum would hold and release all the time.
const MARGIN_PERCENT: u64 = 10;

/// How long to wait for memory while nothing runs. After that a task is tried all the same: a batch has to end.
pub(crate) const IDLE_PATIENCE: Duration = Duration::from_secs(600);

/// What a reading asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Nothing changes.
    GoOn,
    /// Start no task; given once.
    Hold,
    /// Memory is still low: ask a task to stop.
    StopOne,
    /// Tasks may start again; given once.
    Release,
    /// Memory is still low and nothing runs that could give any back: start a task all the same.
    TryAnyway,
}

/// Judges readings of available memory.
#[derive(Debug)]
pub(crate) struct Watchdog {
    min_bytes: u64,
    last_bytes: Option<u64>,
    holding: bool,
    /// Since when tasks are held and nothing runs.
    idle_since: Option<Instant>,
}

impl Watchdog {
    /// Holds below `min_bytes`.
    pub(crate) fn new(min_bytes: u64) -> Self {
        Self {
            min_bytes,
            last_bytes: None,
            holding: false,
            idle_since: None,
        }
    }

    /// What should stay available, bytes.
    pub(crate) fn min_bytes(&self) -> u64 {
        self.min_bytes
    }

    /// Whether no task may start.
    pub(crate) fn is_holding(&self) -> bool {
        self.holding
    }

    /// What was available beyond the minimum at the last reading, bytes.
    pub(crate) fn spare_bytes(&self) -> Option<u64> {
        self.last_bytes
            .map(|bytes| bytes.saturating_sub(self.min_bytes))
    }

    /// Takes a reading while so many tasks run. The second low one in a row, and each after it, asks for a task to stop.
    pub(crate) fn judge(&mut self, available_bytes: u64, running: usize, now: Instant) -> Advice {
        self.last_bytes = Some(available_bytes);
        let margin = self.min_bytes / 100 * MARGIN_PERCENT;
        let low = available_bytes < self.min_bytes;
        let short = low || self.holding && available_bytes < self.min_bytes.saturating_add(margin);
        let held = std::mem::replace(&mut self.holding, short);
        if !short || running > 0 {
            self.idle_since = None;
        }
        match (held, short) {
            (false, false) => Advice::GoOn,
            (false, true) => Advice::Hold,
            (true, false) => Advice::Release,
            (true, true) if running == 0 => self.wait_idly(now),
            (true, true) if low => Advice::StopOne,
            (true, true) => Advice::GoOn,
        }
    }

    fn wait_idly(&mut self, now: Instant) -> Advice {
        let since = *self.idle_since.get_or_insert(now);
        if now.saturating_duration_since(since) < IDLE_PATIENCE {
            return Advice::GoOn;
        }
        self.idle_since = None;
        self.holding = false;
        Advice::TryAnyway
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_then_stops_then_releases_with_a_margin() {
        let mut watchdog = Watchdog::new(1000);
        let now = Instant::now();
        let advice: Vec<_> = [2000, 1000, 999, 2000, 999, 998, 997, 1000, 1099, 1100, 1001]
            .map(|bytes| watchdog.judge(bytes, 2, now))
            .into();
        assert_eq!(
            advice,
            [
                Advice::GoOn,
                Advice::GoOn,
                Advice::Hold,
                Advice::Release,
                Advice::Hold,
                Advice::StopOne,
                Advice::StopOne,
                Advice::GoOn,
                Advice::GoOn,
                Advice::Release,
                Advice::GoOn,
            ]
        );
        assert_eq!(watchdog.spare_bytes(), Some(1));
    }

    #[test]
    fn nothing_waits_for_ever() {
        let mut watchdog = Watchdog::new(1000);
        let began = Instant::now();
        assert_eq!(watchdog.judge(10, 0, began), Advice::Hold);
        assert_eq!(watchdog.judge(10, 0, began), Advice::GoOn);
        let nearly = began + IDLE_PATIENCE - Duration::from_secs(1);
        assert_eq!(watchdog.judge(10, 0, nearly), Advice::GoOn);
        assert!(watchdog.is_holding());
        assert_eq!(
            watchdog.judge(10, 0, began + IDLE_PATIENCE),
            Advice::TryAnyway
        );
        assert!(!watchdog.is_holding());
        // Tried, and no better.
        assert_eq!(watchdog.judge(10, 1, began + IDLE_PATIENCE), Advice::Hold);
        assert_eq!(
            watchdog.judge(10, 1, began + IDLE_PATIENCE),
            Advice::StopOne
        );
    }
}
