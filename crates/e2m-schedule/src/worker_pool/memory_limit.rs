//! Whether a worker process holds more memory than it may.

use crate::WorkerError;
use crate::usage::Usage;

/// Follows the resident memory of one worker process through one task.
#[derive(Debug, Default)]
pub(super) struct MemoryWatch {
    limit_bytes: Option<u64>,
    /// The peak of the process before this task.
    earlier_peak: Option<u64>,
    peak: Option<u64>,
}

impl MemoryWatch {
    pub(super) fn new(limit_bytes: Option<u64>) -> Self {
        Self {
            limit_bytes,
            ..Self::default()
        }
    }

    /// A task starts in a process that uses `usage`.
    pub(super) fn start_task(&mut self, usage: Option<Usage>) {
        self.earlier_peak = usage.map(|usage| usage.peak_rss_bytes);
        self.peak = usage.map(|usage| usage.rss_bytes);
    }

    /// The most that was seen since the task started.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        self.peak
    }

    /// Takes a measurement; an error says that it exceeds the limit.
    pub(super) fn check(&mut self, usage: Usage) -> Result<(), WorkerError> {
        // The system's peak includes what happened between two measurements. It belongs to this task only once it
        // exceeds that of earlier tasks.
        let earlier = self.earlier_peak.unwrap_or(0);
        let mut seen = usage.rss_bytes;
        if usage.peak_rss_bytes > earlier {
            seen = seen.max(usage.peak_rss_bytes);
        }
        let peak = self.peak.unwrap_or(0).max(seen);
        self.peak = Some(peak);
        match self.limit_bytes {
            Some(limit_bytes) if peak > limit_bytes => Err(WorkerError::MemoryLimit {
                limit_bytes,
                peak_bytes: peak,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(rss_bytes: u64, peak_rss_bytes: u64) -> Usage {
        Usage {
            rss_bytes,
            peak_rss_bytes,
            cpu_seconds: 0.0,
        }
    }

    #[test]
    fn a_peak_between_two_measurements_counts() {
        let mut watch = MemoryWatch::new(Some(100));
        watch.start_task(Some(usage(10, 10)));
        assert_eq!(watch.check(usage(50, 90)), Ok(()));
        assert_eq!(watch.peak_bytes(), Some(90));
        assert_eq!(
            watch.check(usage(50, 130)),
            Err(WorkerError::MemoryLimit {
                limit_bytes: 100,
                peak_bytes: 130
            })
        );
    }

    #[test]
    fn a_task_does_not_pay_for_the_one_before() {
        let mut watch = MemoryWatch::new(Some(100));
        watch.start_task(Some(usage(10, 150)));
        assert_eq!(watch.check(usage(60, 150)), Ok(()));
        assert_eq!(watch.peak_bytes(), Some(60));
        assert!(watch.check(usage(101, 150)).is_err());
    }
}
