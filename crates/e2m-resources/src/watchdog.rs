//! What to do when memory runs out while tasks run. Decisions only: who looks, starts and stops is the runner.

use std::fmt;
use std::time::{Duration, Instant};

use crate::bytes::compared;

/// Memory has to be short for this long before a running task is stopped: a task that has just ended gives its memory
/// back within moments.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// After a task was told to stop, so long is waited for it to end at its next band before another one is told.
pub const STOPPING: Duration = Duration::from_secs(5);

/// Tasks start again when this part of the minimum, percent, is there above it: what hovers at the minimum would
/// otherwise start and stop tasks all the time.
const MARGIN_PERCENT: u64 = 10;

/// What the watchdog wants. Displays as the reason to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Tasks may start.
    Go,
    /// No new task may start.
    Hold {
        /// What is available, bytes.
        available: u64,
        /// `min_available`, bytes.
        min: u64,
    },
    /// No new task may start, and the one that started last should stop at its next band, to be run again later.
    StopYoungest {
        /// What is available, bytes.
        available: u64,
        /// `min_available`, bytes.
        min: u64,
    },
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (available, min, what) = match *self {
            Self::Go => return f.write_str("there is memory enough"),
            Self::Hold { available, min } => (available, min, "no new task starts"),
            Self::StopYoungest { available, min } => (
                available,
                min,
                "the youngest task stops and runs again when memory is back",
            ),
        };
        let (available_text, min_text) = compared(available, min);
        if available < min {
            write!(
                f,
                "{available_text} of memory is available, less than min_available = {min_text}: {what}"
            )
        } else {
            write!(
                f,
                "{available_text} of memory is available, hardly more than min_available = {min_text}: {what}"
            )
        }
    }
}

/// Watches over available memory. To be asked several times a second.
#[derive(Debug, Clone)]
pub struct Watchdog {
    min: u64,
    holding: bool,
    /// Since when it has been below the minimum without anything being done.
    short_since: Option<Instant>,
    stopping: Option<Stop>,
}

/// A task was told to stop.
#[derive(Debug, Clone, Copy)]
struct Stop {
    told: Instant,
    /// How many ran at that moment.
    running: usize,
}

impl Watchdog {
    /// One that acts when less than `min_available` bytes are left.
    pub fn new(min_available: u64) -> Self {
        Self {
            min: min_available,
            holding: false,
            short_since: None,
            stopping: None,
        }
    }

    /// What to do now, with so many bytes available and so many tasks running. A machine that does not tell what is
    /// available is not watched.
    pub fn look(&mut self, available: Option<u64>, running: usize, now: Instant) -> Advice {
        let Some(available) = available.filter(|available| !self.enough(*available)) else {
            *self = Self::new(self.min);
            return Advice::Go;
        };
        self.holding = true;
        let min = self.min;
        let hold = Advice::Hold { available, min };
        if available >= min {
            self.short_since = None;
            return hold;
        }
        if self.waits_for_a_stop(running, now) || running == 0 {
            return hold;
        }
        let short_since = *self.short_since.get_or_insert(now);
        if now.saturating_duration_since(short_since) < PATIENCE {
            return hold;
        }
        self.stopping = Some(Stop { told: now, running });
        Advice::StopYoungest { available, min }
    }

    fn enough(&self, available: u64) -> bool {
        let margin = if self.holding {
            self.min / 100 * MARGIN_PERCENT
        } else {
            0
        };
        available >= self.min.saturating_add(margin)
    }

    /// Whether a task that was told to stop may still be about to. Once it has ended, patience begins anew.
    fn waits_for_a_stop(&mut self, running: usize, now: Instant) -> bool {
        let Some(stop) = self.stopping else {
            return false;
        };
        if running < stop.running {
            self.stopping = None;
            self.short_since = None;
            return false;
        }
        now.saturating_duration_since(stop.told) < STOPPING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: u64 = 500_000_000;
    const LOW: u64 = 400_000_000;

    /// A watchdog with a clock of its own.
    struct Watch {
        dog: Watchdog,
        start: Instant,
    }

    impl Watch {
        fn new() -> Self {
            Self {
                dog: Watchdog::new(MIN),
                start: Instant::now(),
            }
        }

        fn look(&mut self, millis: u64, available: u64, running: usize) -> &'static str {
            let now = self.start + Duration::from_millis(millis);
            match self.dog.look(Some(available), running, now) {
                Advice::Go => "go",
                Advice::Hold { .. } => "hold",
                Advice::StopYoungest { .. } => "stop",
            }
        }
    }

    #[test]
    fn enough_is_go_and_the_minimum_itself_is_enough() {
        let mut watch = Watch::new();
        assert_eq!(watch.look(0, MIN, 3), "go");
        assert_eq!(watch.look(500, u64::MAX, 3), "go");
        assert_eq!(watch.look(600, MIN - 1, 3), "hold");
    }

    #[test]
    fn one_look_holds_and_lasting_shortage_stops_the_youngest() {
        let mut watch = Watch::new();
        assert_eq!(watch.look(0, LOW, 3), "hold");
        assert_eq!(watch.look(999, LOW, 3), "hold");
        assert_eq!(watch.look(1_000, LOW, 3), "stop");
        // Told once; it may take a while to reach its next band.
        assert_eq!(watch.look(1_100, LOW, 3), "hold");
        assert_eq!(watch.look(5_999, LOW, 3), "hold");
        assert_eq!(watch.look(6_000, LOW, 3), "stop");
    }

    #[test]
    fn after_one_has_ended_patience_begins_anew() {
        let mut watch = Watch::new();
        watch.look(0, LOW, 3);
        assert_eq!(watch.look(1_000, LOW, 3), "stop");
        assert_eq!(watch.look(1_500, LOW, 2), "hold");
        assert_eq!(watch.look(2_499, LOW, 2), "hold");
        assert_eq!(watch.look(2_500, LOW, 2), "stop");
        assert_eq!(watch.look(2_600, LOW, 1), "hold");
    }

    #[test]
    fn a_short_dip_stops_nothing() {
        let mut watch = Watch::new();
        assert_eq!(watch.look(0, LOW, 3), "hold");
        assert_eq!(watch.look(800, MIN + 1, 3), "hold");
        assert_eq!(watch.look(1_200, LOW, 3), "hold");
        assert_eq!(watch.look(2_100, LOW, 3), "hold");
        assert_eq!(watch.look(2_200, LOW, 3), "stop");
    }

    #[test]
    fn tasks_start_again_only_with_a_margin() {
        let mut watch = Watch::new();
        assert_eq!(watch.look(0, LOW, 3), "hold");
        assert_eq!(watch.look(100, MIN, 3), "hold");
        assert_eq!(watch.look(200, MIN + MIN / 10 - 1, 3), "hold");
        assert_eq!(watch.look(300, MIN + MIN / 10, 3), "go");
        assert_eq!(watch.look(400, MIN, 3), "go");
    }

    #[test]
    fn with_nothing_running_there_is_nothing_to_stop() {
        let mut watch = Watch::new();
        for second in 0..20 {
            assert_eq!(watch.look(second * 1_000, LOW, 0), "hold");
        }
    }

    #[test]
    fn a_machine_that_does_not_tell_is_not_watched() {
        let mut dog = Watchdog::new(MIN);
        let start = Instant::now();
        assert_ne!(dog.look(Some(LOW), 2, start), Advice::Go);
        for second in 0..10 {
            let now = start + Duration::from_secs(second);
            assert_eq!(dog.look(None, 2, now), Advice::Go);
        }
    }

    #[test]
    fn the_reason_carries_the_numbers() {
        let stop = Advice::StopYoungest {
            available: LOW,
            min: MIN,
        };
        assert_eq!(
            stop.to_string(),
            "400 MB of memory is available, less than min_available = 500 MB: the youngest task stops and runs again when memory is back"
        );
        let hold = Advice::Hold {
            available: MIN + 10_000_000,
            min: MIN,
        };
        assert_eq!(
            hold.to_string(),
            "510 MB of memory is available, hardly more than min_available = 500 MB: no new task starts"
        );
    }
}
