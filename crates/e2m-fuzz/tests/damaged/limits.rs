//! What a reader may take for a file of 1 MB.

use e2m_fuzz::ReadOutcome;
use e2m_resources::{process_cpu_seconds_of, process_memory, reset_peak};
use rustix::param::clock_ticks_per_second;
use std::sync::{Mutex, PoisonError};

/// Processor time of the reader itself, seconds.
const MOST_SECONDS: f64 = 2.0;
/// Memory beyond what was there before, bytes.
const MOST_BYTES: u64 = 256_000_000;

/// Held while one file is read: both figures are those of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Reads a file and fails where it took too much; `name` is what is read.
pub(crate) fn within_limits(name: &str, read: impl FnOnce() -> ReadOutcome) -> ReadOutcome {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    reset_peak();
    let (memory, start) = (process_memory().current, computing_seconds());
    let outcome = read();
    let (took, peak) = (computing_seconds() - start, process_memory().peak);
    assert!(took <= MOST_SECONDS, "{name}: {took} s");
    let held = peak.saturating_sub(memory);
    assert!(held <= MOST_BYTES, "{name}: {held} bytes");
    outcome
}

/// Processor time that this process has computed for, seconds. What the kernel takes to hand out pages is left out where that
/// is known: it differs tenfold between machines, and memory has its own limit.
fn computing_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, which may hold anything, ends with the last bracket; the twelfth field behind it is the time.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks: Option<f64> = behind
        .split_whitespace()
        .nth(11)
        .and_then(|ticks| ticks.parse().ok());
    ticks.map_or_else(
        || process_cpu_seconds_of(std::process::id()).unwrap_or_default(),
        |ticks| ticks / clock_ticks_per_second() as f64,
    )
}
