//! How much of the machine is in use: memory and processors, over the last minutes.

use e2m_batch::Environment;
use e2m_resources::{AvailableMemory, process_memory};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A measurement so often.
const EVERY: Duration = Duration::from_secs(2);
/// So many are kept: ten minutes.
const KEPT: usize = 300;

/// One measurement.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sample {
    /// Seconds since the server began.
    seconds: f64,
    /// Memory that is left, bytes.
    available_bytes: Option<u64>,
    /// Share of all processors that is in use, 0 to 1.
    cpu: Option<f64>,
    /// What this server holds, bytes.
    own_bytes: u64,
}

/// What is measured, and what was.
#[derive(Debug)]
pub(crate) struct MachineWatch {
    began: Instant,
    memory: AvailableMemory,
    total_bytes: u64,
    cpus: usize,
    samples: Mutex<Samples>,
}

#[derive(Debug, Default)]
struct Samples {
    last: Option<Instant>,
    ticks: Option<[u64; 2]>,
    list: VecDeque<Sample>,
}

/// What a page shows.
#[derive(Debug, Serialize)]
pub(crate) struct MachineView {
    total_bytes: u64,
    cpus: usize,
    samples: Vec<Sample>,
}

impl MachineWatch {
    pub(crate) fn new(environment: &Environment) -> Self {
        let machine = environment.machine();
        Self {
            began: Instant::now(),
            memory: machine.watch(),
            total_bytes: machine.total_memory(),
            cpus: machine.cpus(),
            samples: Mutex::default(),
        }
    }

    /// Measures, if the last time is long enough ago.
    pub(crate) fn measure(&self) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        samples.last = Some(Instant::now());
        let now = ticks();
        let cpu = match (samples.ticks, now) {
            (Some(before), Some(now)) => share(before, now),
            _ => None,
        };
        samples.ticks = now;
        if samples.list.len() == KEPT {
            samples.list.pop_front();
        }
        samples.list.push_back(Sample {
            seconds: self.began.elapsed().as_secs_f64(),
            available_bytes: self.memory.read(),
            cpu,
            own_bytes: process_memory().current,
        });
    }

    /// The last measurement.
    pub(crate) fn last(&self) -> Option<Sample> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.list.back().copied()
    }

    /// All that is kept.
    pub(crate) fn view(&self) -> MachineView {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        MachineView {
            total_bytes: self.total_bytes,
            cpus: self.cpus,
            samples: samples.list.iter().copied().collect(),
        }
    }
}

/// Time that all processors together were busy, and all their time; none where the system does not tell.
fn ticks() -> Option<[u64; 2]> {
    busy_and_all(&std::fs::read_to_string("/proc/stat").ok()?)
}

fn busy_and_all(stat: &str) -> Option<[u64; 2]> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // user, nice, system, idle, waiting, interrupts, stolen; what follows is part of the first two.
    let fields = line.split_whitespace().take(8);
    let fields: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    let idle = fields.get(3)? + fields.get(4).copied().unwrap_or(0);
    let all: u64 = fields.iter().sum();
    Some([all.saturating_sub(idle), all])
}

fn share([busy, all]: [u64; 2], [busy_now, all_now]: [u64; 2]) -> Option<f64> {
    let passed = all_now.checked_sub(all).filter(|passed| *passed > 0)?;
    Some((busy_now.saturating_sub(busy) as f64 / passed as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_busy_processors_is_that_of_the_time_between() {
        let before = busy_and_all("cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 2 3 4\n");
        let now = busy_and_all("cpu  150 0 75 825 50 0 0 0 9 9\n");
        assert_eq!(before, Some([150, 1000]));
        assert_eq!(
            share(before.expect("ticks"), now.expect("ticks")),
            Some(0.75)
        );
        assert_eq!(share([5, 10], [5, 10]), None);
        assert_eq!(busy_and_all("nothing"), None);
    }
}
