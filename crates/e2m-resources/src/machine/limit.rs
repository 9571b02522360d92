//! Limits of memory and processors, with where each comes from.

use std::fmt;

use crate::Bytes;

/// What sets a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LimitSource {
    /// What the machine has.
    Physical,
    /// A control group: a container, a service, a batch system that enforces its limits.
    Cgroup,
    /// The processors this process may run on.
    Affinity,
    /// What a SLURM job asked for.
    Slurm,
    /// `E2M_MEMORY` or `E2M_CPUS`.
    Override,
    /// Nothing is known.
    Unknown,
}

/// A limit of memory, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryLimit {
    /// What sets it.
    pub source: LimitSource,
    /// The limit.
    pub total_bytes: u64,
    /// The limit less what is used.
    pub available_bytes: u64,
    /// The file or variable it came from.
    pub origin: String,
}

impl MemoryLimit {
    /// What it is, without where it came from: `cgroup limit of 1.50 GB`.
    fn kind(&self) -> String {
        let total = Bytes(self.total_bytes);
        match self.source {
            LimitSource::Physical => format!("physical memory of {total}"),
            LimitSource::Cgroup => format!("cgroup limit of {total}"),
            LimitSource::Slurm => format!("SLURM limit of {total}"),
            LimitSource::Override | LimitSource::Affinity => format!("limit of {total}"),
            LimitSource::Unknown => "unknown amount of memory".to_owned(),
        }
    }

    /// For use inside brackets: `cgroup limit of 1.50 GB, /sys/fs/cgroup/memory.max`.
    pub(crate) fn inside_brackets(&self) -> String {
        format!("{}, {}", self.kind(), self.origin)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind(), self.origin)
    }
}

/// A limit of processors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuLimit {
    /// What sets it.
    pub source: LimitSource,
    /// Logical processors; a quota is rounded up.
    pub cpus: usize,
    /// The file or variable it came from.
    pub origin: String,
}

impl fmt::Display for CpuLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpus = match self.cpus {
            1 => "1 CPU".to_owned(),
            n => format!("{n} CPUs"),
        };
        match self.source {
            LimitSource::Physical => write!(f, "{cpus} of the machine")?,
            LimitSource::Affinity => write!(f, "affinity to {cpus}")?,
            LimitSource::Cgroup => write!(f, "cgroup quota of {cpus}")?,
            LimitSource::Slurm => write!(f, "SLURM limit of {cpus}")?,
            LimitSource::Override => write!(f, "limit of {cpus}")?,
            LimitSource::Unknown => write!(f, "unknown processors, at least {cpus}")?,
        }
        write!(f, " ({})", self.origin)
    }
}
