//! What this process uses.

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// Resident memory of this process in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Now.
    pub current: u64,
    /// The most since the start or since [`reset_peak`]; where the system does not tell, the same as `current`.
    pub peak: u64,
}

/// Asks the system. Zero where it gives no answer.
pub fn process_memory() -> ProcessMemory {
    if let Some(memory) = from_proc() {
        return memory;
    }
    let current = from_sysinfo().unwrap_or(0);
    ProcessMemory {
        current,
        peak: current,
    }
}

/// Starts a new measurement of the peak, where the system can (Linux).
pub fn reset_peak() {
    // Refused in some containers; then the peak remains that of the whole run, which errs on the safe side.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// What this process has used since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessUsage {
    /// Processor time of all threads, seconds.
    pub cpu_seconds: f64,
    /// Bytes that came from a disk; what the system still had in memory does not count.
    pub read_bytes: u64,
    /// Bytes that went to a disk, or will.
    pub written_bytes: u64,
}

impl ProcessUsage {
    /// What was used from `earlier` to this.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            cpu_seconds: (self.cpu_seconds - earlier.cpu_seconds).max(0.0),
            read_bytes: self.read_bytes.saturating_sub(earlier.read_bytes),
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
        }
    }
}

/// Asks the system. Zero where it gives no answer.
pub fn process_usage() -> ProcessUsage {
    let wanted = ProcessRefreshKind::nothing().with_cpu().with_disk_usage();
    with_process(wanted, |process| {
        let disk = process.disk_usage();
        ProcessUsage {
            cpu_seconds: process.accumulated_cpu_time() as f64 / 1e3,
            read_bytes: disk.total_read_bytes,
            written_bytes: disk.total_written_bytes,
        }
    })
    .unwrap_or_default()
}

/// Asks sysinfo about this process.
fn with_process<T>(wanted: ProcessRefreshKind, ask: impl FnOnce(&Process) -> T) -> Option<T> {
    let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
    let pid = Pid::from_u32(std::process::id());
    let _ = system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
    system.process(pid).map(ask)
}

fn from_sysinfo() -> Option<u64> {
    with_process(ProcessRefreshKind::nothing().with_memory(), Process::memory)
}

/// `VmRSS` and `VmHWM` of Linux.
fn from_proc() -> Option<ProcessMemory> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = |key: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some(ProcessMemory {
        current: kib("VmRSS:")? * 1024,
        peak: kib("VmHWM:")? * 1024,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn work_and_writing_show() {
        let before = process_usage();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&vec![7; 8 << 20]).expect("writes");
        file.sync_all().expect("syncs");
        let started = std::time::Instant::now();
        let mut x = 1u64;
        while started.elapsed().as_millis() < 100 {
            x = std::hint::black_box(x.wrapping_mul(0x9e37_79b9));
        }
        let used = process_usage().since(&before);
        assert!(used.cpu_seconds > 0.02, "{used:?}");
        // A file in memory (tmpfs) goes to no disk.
        assert!(
            used.written_bytes == 0 || used.written_bytes >= 8 << 20,
            "{used:?}"
        );
    }

    #[test]
    fn an_allocation_shows() {
        let before = process_memory();
        let block = vec![1u8; 64 << 20];
        let during = process_memory();
        assert!(
            during.current >= before.current + (block.len() as u64) / 2,
            "{before:?} {during:?}"
        );
        assert!(during.peak >= during.current);
        drop(block);
        assert!(process_memory().peak >= before.current + (32 << 20));
    }
}
