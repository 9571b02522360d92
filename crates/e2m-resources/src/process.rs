//! Memory of this process.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

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

fn from_sysinfo() -> Option<u64> {
    let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
    let pid = Pid::from_u32(std::process::id());
    let wanted = ProcessRefreshKind::nothing().with_memory();
    let _ = system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
    system.process(pid).map(sysinfo::Process::memory)
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
