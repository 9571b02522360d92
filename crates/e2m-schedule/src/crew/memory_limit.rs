//! Whether a worker holds more memory than it may.

use crate::WorkerError;
use crate::usage::Usage;

/// Follows the resident memory of one worker process through one task.
#[derive(Debug, Default)]
pub(super) struct MemoryWatch {
    limit_bytes: Option<u64>,
    /// The peak that the process brought along from earlier tasks.
    earlier_peak: Option<u64>,
    most: Option<u64>,
}

impl MemoryWatch {
    pub(super) fn new(limit_bytes: Option<u64>) -> Self {
        Self {
            limit_bytes,
            ..Self::default()
        }
    }

    /// A task begins in a process that uses `usage`.
    pub(super) fn begin(&mut self, usage: Option<Usage>) {
        self.earlier_peak = usage.map(|usage| usage.peak_rss_bytes);
        self.most = usage.map(|usage| usage.rss_bytes);
    }

    /// The most that was seen since the task began.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        self.most
    }

    /// Takes a measurement; an error says that the limit was exceeded.
    pub(super) fn look(&mut self, usage: Usage) -> Result<(), WorkerError> {
        // The system's own peak also knows what happened between two looks, but it is this task's only once it has
        // grown beyond that of the earlier ones.
        let earlier = self.earlier_peak.unwrap_or(0);
        let mut seen = usage.rss_bytes;
        if usage.peak_rss_bytes > earlier {
            seen = seen.max(usage.peak_rss_bytes);
        }
        let most = self.most.unwrap_or(0).max(seen);
        self.most = Some(most);
        match self.limit_bytes {
            Some(limit_bytes) if most > limit_bytes => Err(WorkerError::MemoryLimit {
                limit_bytes,
                peak_bytes: most,
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
    fn a_peak_between_two_looks_counts() {
        let mut watch = MemoryWatch::new(Some(100));
        watch.begin(Some(usage(10, 10)));
        assert_eq!(watch.look(usage(50, 90)), Ok(()));
        assert_eq!(watch.peak_bytes(), Some(90));
        assert_eq!(
            watch.look(usage(50, 130)),
            Err(WorkerError::MemoryLimit {
                limit_bytes: 100,
                peak_bytes: 130
            })
        );
    }

    #[test]
    fn a_task_does_not_pay_for_the_one_before() {
        let mut watch = MemoryWatch::new(Some(100));
        watch.begin(Some(usage(10, 150)));
        assert_eq!(watch.look(usage(60, 150)), Ok(()));
        assert_eq!(watch.peak_bytes(), Some(60));
        assert!(watch.look(usage(101, 150)).is_err());
    }
}
