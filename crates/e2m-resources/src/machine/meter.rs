//! Limits of memory that can be read again and again: the same files serve the first look at the machine and the watchdog.

use std::fs;
use std::path::{Path, PathBuf};

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::cgroup::{Hierarchy, Version, keyed_number, under};
use super::limit::{LimitSource, MemoryLimit};
use crate::process::tree_memory_in;

/// A limit at or above this is none: version 1 writes the largest multiple of a page below 2^63 for "no limit".
const UNLIMITED: u64 = 1 << 60;

/// A limit that can be read.
#[derive(Debug, Clone)]
pub(super) enum Meter {
    /// `/proc/meminfo`.
    Meminfo,
    /// What sysinfo says, on systems without `/proc`.
    Sysinfo,
    /// One control group.
    Group { version: Version, folder: PathBuf },
    /// A declared limit, from which what this process and its children hold is taken off.
    Declared {
        source: LimitSource,
        bytes: u64,
        origin: String,
    },
}

impl Meter {
    /// The limit as it is now; none where there is no limit or nothing to be read.
    pub(super) fn read(&self, root: &Path) -> Option<MemoryLimit> {
        match self {
            Self::Meminfo => meminfo(root),
            Self::Sysinfo => from_sysinfo(),
            Self::Group { version, folder } => group(root, *version, folder),
            Self::Declared {
                source,
                bytes,
                origin,
            } => Some(MemoryLimit {
                source: *source,
                total_bytes: *bytes,
                available_bytes: bytes.saturating_sub(tree_memory_in(root)),
                origin: origin.clone(),
            }),
        }
    }
}

/// The groups of one hierarchy that bind this process.
pub(super) fn group_meters(root: &Path, hierarchy: Hierarchy) -> Vec<Meter> {
    let version = hierarchy.version;
    let mut meters = Vec::new();
    for folder in hierarchy.groups {
        // Version 1 knew groups whose parents' limits do not concern them.
        let apart = version == Version::V1
            && !meters.is_empty()
            && number(root, &folder.join("memory.use_hierarchy")) == Some(0);
        if apart {
            break;
        }
        meters.push(Meter::Group { version, folder });
    }
    meters
}

fn number(root: &Path, path: &Path) -> Option<u64> {
    let text = fs::read_to_string(under(root, path)).ok()?;
    text.trim().parse().ok()
}

fn meminfo(root: &Path) -> Option<MemoryLimit> {
    const PATH: &str = "/proc/meminfo";
    let text = fs::read_to_string(under(root, Path::new(PATH))).ok()?;
    let bytes = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kib.checked_mul(1024)
    };
    let total_bytes = bytes("MemTotal:")?;
    // Kernels before 3.14 do not estimate what is available; what is free and what caches files comes near it.
    let estimated = || Some(bytes("MemFree:")? + bytes("Cached:").unwrap_or(0));
    Some(MemoryLimit {
        source: LimitSource::Physical,
        total_bytes,
        available_bytes: bytes("MemAvailable:").or_else(estimated)?.min(total_bytes),
        origin: PATH.to_owned(),
    })
}

fn from_sysinfo() -> Option<MemoryLimit> {
    let wanted = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok()?;
    let total_bytes = system.total_memory();
    (total_bytes > 0).then(|| MemoryLimit {
        source: LimitSource::Physical,
        total_bytes,
        available_bytes: system.available_memory().min(total_bytes),
        origin: "the operating system".to_owned(),
    })
}

/// The files of a group: limits, what is used, and the keys of its file cache, which is dropped when something else needs
/// the room. What was read twice is in the active half of it, and goes as well.
fn files(version: Version) -> (&'static [&'static str], &'static str, [&'static str; 2]) {
    match version {
        Version::V1 => (
            &["memory.limit_in_bytes"],
            "memory.usage_in_bytes",
            ["total_inactive_file", "total_active_file"],
        ),
        // Above `high` a group is slowed down until nothing moves any more: a limit in all but name.
        Version::V2 => (
            &["memory.max", "memory.high"],
            "memory.current",
            ["inactive_file", "active_file"],
        ),
    }
}

fn group(root: &Path, version: Version, folder: &Path) -> Option<MemoryLimit> {
    let (limits, usage, cache) = files(version);
    let (total_bytes, limit_file) = limits
        .iter()
        .map(|name| folder.join(name))
        .filter_map(|path| Some((number(root, &path)?, path)))
        .filter(|(bytes, _)| *bytes < UNLIMITED)
        .min()?;
    let used = match number(root, &folder.join(usage)) {
        Some(charged) => {
            let stat =
                fs::read_to_string(under(root, &folder.join("memory.stat"))).unwrap_or_default();
            let cached = cache.iter().filter_map(|key| keyed_number(&stat, key));
            charged.saturating_sub(cached.sum())
        }
        // A group that does not tell holds at least this process.
        None => tree_memory_in(root),
    };
    Some(MemoryLimit {
        source: LimitSource::Cgroup,
        total_bytes,
        available_bytes: total_bytes.saturating_sub(used),
        origin: limit_file.display().to_string(),
    })
}

/// Reads again how much memory is available, by all limits of a [`Machine`](crate::Machine). Made for being asked
/// several times a second: a few small files per look.
#[derive(Debug, Clone)]
pub struct AvailableMemory {
    pub(super) root: PathBuf,
    pub(super) meters: Vec<Meter>,
}

impl AvailableMemory {
    /// The least that is left under any limit, bytes; none where the system tells nothing.
    pub fn read(&self) -> Option<u64> {
        self.binding().map(|limit| limit.available_bytes)
    }

    /// The limit that leaves least.
    pub fn binding(&self) -> Option<MemoryLimit> {
        self.limits().into_iter().min_by_key(|l| l.available_bytes)
    }

    /// All limits as they are now.
    pub(super) fn limits(&self) -> Vec<MemoryLimit> {
        self.meters
            .iter()
            .filter_map(|meter| meter.read(&self.root))
            .collect()
    }
}
