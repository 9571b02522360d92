//! Whether the machine has memory left: from readings to decisions.
//!
//! Pure: who reads and who obeys is the scheduler's business.

/// What a reading asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Nothing new.
    GoOn,
    /// Start no task; said once.
    Hold,
    /// Memory is still low: ask a task to stop.
    StopOne,
    /// Tasks may start again; said once.
    Release,
}

/// Judges readings of available memory.
#[derive(Debug)]
pub(crate) struct Watchdog {
    min_bytes: u64,
    last_bytes: Option<u64>,
    holding: bool,
}

impl Watchdog {
    /// Holds below `min_bytes`.
    pub(crate) fn new(min_bytes: u64) -> Self {
        Self {
            min_bytes,
            last_bytes: None,
            holding: false,
        }
    }

    /// What should stay available.
    pub(crate) fn min_bytes(&self) -> u64 {
        self.min_bytes
    }

    /// Whether no task may start.
    pub(crate) fn is_holding(&self) -> bool {
        self.holding
    }

    /// What was available beyond the minimum at the last reading.
    pub(crate) fn spare_bytes(&self) -> Option<u64> {
        self.last_bytes
            .map(|bytes| bytes.saturating_sub(self.min_bytes))
    }

    /// Takes a reading. The second low one in a row, and each after it, asks for a task to stop.
    pub(crate) fn look(&mut self, available_bytes: u64) -> Advice {
        self.last_bytes = Some(available_bytes);
        let low = available_bytes < self.min_bytes;
        let advice = match (self.holding, low) {
            (false, false) => Advice::GoOn,
            (false, true) => Advice::Hold,
            (true, true) => Advice::StopOne,
            (true, false) => Advice::Release,
        };
        self.holding = low;
        advice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_then_stops_then_releases() {
        let mut watchdog = Watchdog::new(10);
        let advice: Vec<_> = [20, 10, 9, 20, 9, 8, 7, 10, 11]
            .map(|bytes| watchdog.look(bytes))
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
                Advice::Release,
                Advice::GoOn,
            ]
        );
        assert_eq!(watchdog.spare_bytes(), Some(1));
    }
}
