//! What the machine has for this process: memory and processors, each by all limits that hold, with where each limit comes
//! from.
//!
//! Every file is read below a root that stands for `/`. Tests lay out `/proc` and `/sys/fs/cgroup` below such a root.

mod cgroup;
mod cpus;
mod limit;
mod meter;
mod oom;
mod slurm;

use std::path::Path;

use crate::variables::{MAX_WORKERS_VARIABLE, MEMORY_VARIABLE};
use crate::{Bytes, MachineNote, Variables, Workers, auto_workers};

pub use limit::{CpuLimit, LimitSource, MemoryLimit};
pub use meter::AvailableMemory;
pub use oom::{oom_kills, oom_kills_in};
pub use slurm::Cluster;

use meter::Meter;

/// What there is, at the moment of asking.
///
/// The least of all limits counts. `E2M_MEMORY` and `E2M_CPUS` take the place of what SLURM declares; they cannot raise
/// what the kernel enforces, which would only end in a kill.
#[derive(Debug, Clone)]
pub struct Machine {
    memory: Vec<MemoryLimit>,
    /// Index of the limit that leaves least.
    binding_memory: usize,
    cpus: Vec<CpuLimit>,
    binding_cpus: usize,
    cluster: Option<Cluster>,
    max_workers: Option<usize>,
    notes: Vec<MachineNote>,
    meters: AvailableMemory,
}

impl Machine {
    /// Looks at this machine.
    pub fn detect(variables: &Variables) -> Self {
        Self::detect_in(Path::new("/"), variables)
    }

    /// Looks at the machine whose `/proc` and `/sys` lie below `root`.
    pub fn detect_in(root: &Path, variables: &Variables) -> Self {
        let mut notes = Vec::new();
        let meters = AvailableMemory {
            root: root.to_path_buf(),
            meters: memory_meters(root, variables, &mut notes),
        };
        let mut memory = meters.limits();
        if memory.is_empty() {
            notes.push(MachineNote::MemoryUnknown);
            memory.push(unknown_memory());
        }
        let cpus = cpus::limits(root, variables, &mut notes);
        Self {
            binding_memory: least(&memory, |limit| limit.available_bytes),
            memory,
            binding_cpus: least(&cpus, |limit| limit.cpus as u64),
            cpus,
            cluster: Cluster::of(variables),
            max_workers: variables.count(MAX_WORKERS_VARIABLE, &mut notes),
            notes,
            meters,
        }
    }

    /// All limits of memory; never empty.
    pub fn memory_limits(&self) -> &[MemoryLimit] {
        &self.memory
    }

    /// The limit that leaves least.
    pub fn available_memory(&self) -> &MemoryLimit {
        &self.memory[self.binding_memory]
    }

    /// The smallest limit, whatever is used of it: the most this process could ever have. Bytes.
    pub fn total_memory(&self) -> u64 {
        let totals = self.memory.iter().map(|limit| limit.total_bytes);
        totals.min().unwrap_or(u64::MAX)
    }

    /// All limits of processors; never empty.
    pub fn cpu_limits(&self) -> &[CpuLimit] {
        &self.cpus
    }

    /// The smallest of them.
    pub fn binding_cpus(&self) -> &CpuLimit {
        &self.cpus[self.binding_cpus]
    }

    /// Processors to be used, at least 1.
    pub fn cpus(&self) -> usize {
        self.binding_cpus().cpus.max(1)
    }

    /// The job of a cluster this process belongs to.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// `E2M_MAX_WORKERS`.
    pub fn max_workers(&self) -> Option<usize> {
        self.max_workers
    }

    /// What could not be used as it is.
    pub fn notes(&self) -> &[MachineNote] {
        &self.notes
    }

    /// For looking at the same limits again.
    pub fn watch(&self) -> AvailableMemory {
        self.meters.clone()
    }

    /// How many workers this machine carries, if each task needs what its plan says. See [`auto_workers`].
    pub fn workers(&self, tasks: usize, plans_bytes: &[u64]) -> Workers {
        let available = self.available_memory().available_bytes;
        auto_workers(tasks, self.cpus(), available, plans_bytes, self.max_workers)
    }
}

/// Index of the first smallest.
fn least<T>(limits: &[T], size: impl Fn(&T) -> u64) -> usize {
    let sizes = limits.iter().map(size).enumerate();
    sizes.min_by_key(|(_, size)| *size).map_or(0, |(i, _)| i)
}

fn unknown_memory() -> MemoryLimit {
    MemoryLimit {
        source: LimitSource::Unknown,
        total_bytes: u64::MAX,
        available_bytes: u64::MAX,
        origin: "the operating system does not say".to_owned(),
    }
}

fn memory_meters(root: &Path, variables: &Variables, notes: &mut Vec<MachineNote>) -> Vec<Meter> {
    let physical = match Meter::Meminfo.read(root) {
        Some(_) => Meter::Meminfo,
        None => Meter::Sysinfo,
    };
    let mut meters = vec![physical];
    for hierarchy in cgroup::hierarchies(root, "memory") {
        meters.extend(meter::group_meters(root, hierarchy));
    }
    let declared = variables.read(
        MEMORY_VARIABLE,
        "a size such as 8GB, or a number of bytes,",
        notes,
        |value| value.parse::<Bytes>().ok().filter(|bytes| bytes.0 > 0),
    );
    let declared = match declared {
        Some(Bytes(bytes)) => Some((LimitSource::Override, bytes, MEMORY_VARIABLE.to_owned())),
        None => slurm::memory(variables, notes)
            .map(|(bytes, origin)| (LimitSource::Slurm, bytes, origin)),
    };
    meters.extend(declared.map(|(source, bytes, origin)| Meter::Declared {
        source,
        bytes,
        origin,
    }));
    meters
}
