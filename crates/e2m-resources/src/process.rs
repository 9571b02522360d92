//! What a process uses: this one, or another by its id.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// Resident memory of a process in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Now.
    pub current: u64,
    /// The most since the start or since [`reset_peak`]; where the system does not tell, the same as `current`.
    pub peak: u64,
}

/// Asks the system. Zero where it gives no answer.
pub fn process_memory() -> ProcessMemory {
    // By its own name, as `/proc` may be that of another container, where this process has another id.
    let own = if cfg!(target_os = "linux") {
        memory_in(Path::new("/proc/self"))
    } else {
        process_memory_of(std::process::id())
    };
    own.unwrap_or(ProcessMemory {
        current: 0,
        peak: 0,
    })
}

/// Memory of the process with this id; none once it has ended, even if nobody has waited for it yet.
pub fn process_memory_of(pid: u32) -> Option<ProcessMemory> {
    if cfg!(target_os = "linux") {
        return memory_in(&proc_folder(Path::new("/"), pid));
    }
    let wanted = ProcessRefreshKind::nothing().with_memory();
    let current = with_process(pid, wanted, Process::memory)?;
    Some(ProcessMemory {
        current,
        peak: current,
    })
}

/// Processor time of all threads of the process with this id, seconds, in steps of the system's clock (10 ms on Linux).
/// One that does not grow tells a process that waits from one that works. A process that has ended keeps its time until
/// it was waited for.
pub fn process_cpu_seconds_of(pid: u32) -> Option<f64> {
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(proc_folder(Path::new("/"), pid).join("stat")).ok()?;
        return Some(cpu_ticks(&stat)? as f64 / ticks_per_second());
    }
    let wanted = ProcessRefreshKind::nothing().with_cpu();
    with_process(pid, wanted, |process| {
        process.accumulated_cpu_time() as f64 / 1e3
    })
}

/// Resident memory of this process and all its descendants, with `root` standing for `/`.
///
/// Where the kernel does not list children, only this process counts.
pub(crate) fn tree_memory_in(root: &Path) -> u64 {
    if !cfg!(target_os = "linux") {
        return process_memory().current;
    }
    let own = root.join("proc/self");
    let mut total = memory_in(&own).map_or(0, |memory| memory.current);
    let mut seen = BTreeSet::new();
    let mut waiting = children(&own);
    while let Some(pid) = waiting.pop() {
        // A process id that comes up again while processes start and end must not be counted twice, or for ever.
        if !seen.insert(pid) {
            continue;
        }
        let folder = proc_folder(root, pid);
        total += memory_in(&folder).map_or(0, |memory| memory.current);
        waiting.extend(children(&folder));
    }
    total
}

/// Children of all threads of the process in this folder.
fn children(folder: &Path) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(folder.join("task")) else {
        return Vec::new();
    };
    let mut pids = Vec::new();
    for thread in threads.flatten() {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        pids.extend(
            list.split_whitespace()
                .filter_map(|p| p.parse::<u32>().ok()),
        );
    }
    pids
}

fn proc_folder(root: &Path, pid: u32) -> PathBuf {
    root.join("proc").join(pid.to_string())
}

#[cfg(unix)]
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

#[cfg(not(unix))]
fn ticks_per_second() -> f64 {
    100.0
}

/// User and system time from `/proc/PID/stat`. The name of the program stands in brackets and may hold anything,
/// brackets and spaces included.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Files, folders, pipes and the like that this process has open; 0 where the system does not tell.
pub fn open_files() -> usize {
    // The folder that is being listed is one of them.
    fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1))
}

/// Starts a new measurement of the peak, where the system can (Linux).
pub fn reset_peak() {
    // Refused in some containers; then the peak remains that of the whole run, which errs on the safe side.
    let _ = fs::write("/proc/self/clear_refs", "5");
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
    with_process(std::process::id(), wanted, |process| {
        let disk = process.disk_usage();
        ProcessUsage {
            cpu_seconds: process.accumulated_cpu_time() as f64 / 1e3,
            read_bytes: disk.total_read_bytes,
            written_bytes: disk.total_written_bytes,
        }
    })
    .unwrap_or_default()
}

/// Asks sysinfo about a process.
fn with_process<T>(
    pid: u32,
    wanted: ProcessRefreshKind,
    ask: impl FnOnce(&Process) -> T,
) -> Option<T> {
    let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
    let pid = Pid::from_u32(pid);
    let _ = system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
    system.process(pid).map(ask)
}

/// `VmRSS` and `VmHWM` of Linux.
fn memory_in(folder: &Path) -> Option<ProcessMemory> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let kib = |key: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some(ProcessMemory {
        current: kib("VmRSS:")? * 1024,
        peak: kib("VmHWM:")? * 1024,
    })
}

/// Held by tests that measure this process's memory, which others would disturb.
#[cfg(test)]
pub(crate) static MEASURING: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn work_and_writing_show() {
        let _alone = MEASURING.lock().expect("no test failed before");
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
        let _alone = MEASURING.lock().expect("no test failed before");
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

    #[test]
    #[cfg(target_os = "linux")]
    fn another_process_is_seen_until_it_ends() {
        let mut other = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .expect("sh starts");
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while process_cpu_seconds_of(other.id()).expect("it runs") < 0.05 {
            assert!(std::time::Instant::now() < patience, "it uses no time");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let memory = process_memory_of(other.id()).expect("it runs");
        assert!(memory.current > 0 && memory.peak >= memory.current);
        other.kill().expect("it can be killed");
        other.wait().expect("it ends");
        assert_eq!(process_memory_of(other.id()), None);
        assert_eq!(process_cpu_seconds_of(other.id()), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn children_of_all_threads_and_their_children_count() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("writes");
        };
        for (process, kib) in [("self", 100), ("7", 10), ("8", 20), ("9", 40)] {
            let status = format!("Name:\tx\nVmHWM:\t  {kib} kB\nVmRSS:\t  {kib} kB\n");
            write(&format!("proc/{process}/status"), &status);
        }
        assert_eq!(tree_memory_in(root.path()), 100 << 10);
        write("proc/self/task/1/children", "7 ");
        write("proc/self/task/2/children", "8 404");
        // An id that came up again while the tree was read.
        write("proc/8/task/8/children", "9 7");
        assert_eq!(tree_memory_in(root.path()), 170 << 10);
    }

    #[test]
    fn the_name_of_a_program_does_not_confuse() {
        let stat = "71 (a) b (c)) R 1 71 71 0 -1 4194304 90 0 0 0 150 25 0 0 20 0 1 0 5 1 1";
        assert_eq!(cpu_ticks(stat), Some(175));
        assert_eq!(cpu_ticks("71 (sh) R 1"), None);
    }
}
