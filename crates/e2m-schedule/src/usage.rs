//! What a process uses, seen from outside.

/// Figures of one process, all its threads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    /// Resident memory now.
    pub(crate) rss_bytes: u64,
    /// The most it ever was, where the system tells.
    pub(crate) peak_rss_bytes: u64,
    /// Processor time since it started.
    pub(crate) cpu_seconds: f64,
}

impl Usage {
    /// Asks the system; `None` for a process that is dead, or where the system does not tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_process(pid: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let kib = |key: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().strip_suffix("kB")?.trim().parse().ok()
        };
        let rss_bytes = kib("VmRSS:")? * 1024;
        Some(Self {
            rss_bytes,
            peak_rss_bytes: kib("VmHWM:").map_or(rss_bytes, |kib| kib * 1024),
            cpu_seconds: cpu_seconds(pid)?,
        })
    }

    /// Asks the system; `None` for a process that is dead, or where the system does not tell.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of_process(pid: u32) -> Option<Self> {
        use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};
        let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
        let pid = Pid::from_u32(pid);
        let wanted = ProcessRefreshKind::nothing().with_cpu().with_memory();
        let _ = system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
        system.process(pid).map(|process| Self {
            rss_bytes: process.memory(),
            peak_rss_bytes: process.memory(),
            cpu_seconds: process.accumulated_cpu_time() as f64 / 1e3,
        })
    }
}

/// `utime` and `stime`, the 14th and 15th field of `/proc/PID/stat` (proc(5)).
#[cfg(target_os = "linux")]
fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything, so count from its end.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// Other tests allocate in the same process meanwhile, so only what this one holds can be asked for.
    #[test]
    fn memory_and_work_show() {
        let pid = std::process::id();
        let before = Usage::of_process(pid).expect("this process");
        let block = vec![1u8; 64 << 20];
        let started = Instant::now();
        let mut x = 1u64;
        while started.elapsed() < Duration::from_millis(200) {
            x = std::hint::black_box(x.wrapping_mul(0x9e37_79b9));
        }
        let after = Usage::of_process(pid).expect("this process");
        std::hint::black_box(&block);
        assert!(after.rss_bytes >= block.len() as u64, "{after:?}");
        assert!(after.peak_rss_bytes >= after.rss_bytes, "{after:?}");
        assert!(after.cpu_seconds > before.cpu_seconds);
    }

    #[test]
    fn a_process_that_is_not_there_has_no_figures() {
        assert_eq!(Usage::of_process(u32::MAX / 2), None);
    }
}
