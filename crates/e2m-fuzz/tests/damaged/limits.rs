//! What a reader may take for a file of 1 MB.

use e2m_fuzz::ReadOutcome;
use e2m_resources::{process_cpu_seconds_of, process_memory, reset_peak};
use std::sync::{Mutex, PoisonError};

/// Processor time, seconds.
const MOST_SECONDS: f64 = 2.0;
/// Memory beyond what was there before, bytes.
const MOST_BYTES: u64 = 256_000_000;

/// Held while one file is read: both figures are those of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Reads a file and fails where it took too much; `name` is what is read.
pub(crate) fn within_limits(name: &str, read: impl FnOnce() -> ReadOutcome) -> ReadOutcome {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = || process_cpu_seconds_of(std::process::id()).unwrap_or_default();
    reset_peak();
    let (memory, start) = (process_memory().current, seconds());
    let outcome = read();
    let (took, peak) = (seconds() - start, process_memory().peak);
    assert!(took <= MOST_SECONDS, "{name}: {took} s");
    let held = peak.saturating_sub(memory);
    assert!(held <= MOST_BYTES, "{name}: {held} bytes");
    outcome
}
