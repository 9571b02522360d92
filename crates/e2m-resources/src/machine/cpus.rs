//! How many processors this process may use.

use std::fs;
use std::path::Path;

use super::cgroup::{Version, hierarchies, under};
use super::limit::{CpuLimit, LimitSource};
use super::slurm;
use crate::variables::CPUS_VARIABLE;
use crate::{MachineNote, Variables};

/// All limits; never empty, as a machine has processors.
pub(super) fn limits(
    root: &Path,
    variables: &Variables,
    notes: &mut Vec<MachineNote>,
) -> Vec<CpuLimit> {
    let mut limits = vec![physical(root)];
    limits.extend(affinity(root));
    limits.extend(quotas(root));
    let declared = match variables.count(CPUS_VARIABLE, notes) {
        Some(cpus) => Some((LimitSource::Override, cpus, CPUS_VARIABLE)),
        None => slurm::cpus(variables, notes).map(|(cpus, name)| (LimitSource::Slurm, cpus, name)),
    };
    limits.extend(declared.map(|(source, cpus, name)| limit(source, cpus, name)));
    limits
}

fn limit(source: LimitSource, cpus: usize, origin: impl Into<String>) -> CpuLimit {
    CpuLimit {
        source,
        cpus,
        origin: origin.into(),
    }
}

/// Logical processors that are switched on.
fn physical(root: &Path) -> CpuLimit {
    const ONLINE: &str = "/sys/devices/system/cpu/online";
    const CPUINFO: &str = "/proc/cpuinfo";
    let read = |path: &str| fs::read_to_string(under(root, Path::new(path))).ok();
    let listed = read(ONLINE).and_then(|list| length_of_list(&list));
    if let Some(cpus) = listed {
        return limit(LimitSource::Physical, cpus, ONLINE);
    }
    let described = read(CPUINFO).map_or(0, |text| {
        let processors = text.lines().filter(|line| line.starts_with("processor"));
        processors.count()
    });
    if described > 0 {
        return limit(LimitSource::Physical, described, CPUINFO);
    }
    match std::thread::available_parallelism() {
        Ok(cpus) => limit(LimitSource::Physical, cpus.get(), "the operating system"),
        Err(_) => limit(LimitSource::Unknown, 1, "the operating system does not say"),
    }
}

fn affinity(root: &Path) -> Option<CpuLimit> {
    const PATH: &str = "/proc/self/status";
    let status = fs::read_to_string(under(root, Path::new(PATH))).ok()?;
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(limit(LimitSource::Affinity, length_of_list(list)?, PATH))
}

/// How many numbers a list such as `0-3,8` holds; none if it is malformed or empty.
fn length_of_list(list: &str) -> Option<usize> {
    let lengths = list.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        Some(last.checked_sub(first)? + 1)
    });
    lengths.sum()
}

/// The quota of every control group that has one.
fn quotas(root: &Path) -> Vec<CpuLimit> {
    hierarchies(root, "cpu")
        .into_iter()
        .flat_map(|found| {
            let version = found.version;
            let groups = found.groups.into_iter();
            groups.filter_map(move |folder| quota(root, version, &folder))
        })
        .collect()
}

fn quota(root: &Path, version: Version, folder: &Path) -> Option<CpuLimit> {
    let read = |name: &str| fs::read_to_string(under(root, &folder.join(name))).ok();
    let (name, quota, period) = match version {
        Version::V1 => {
            let name = "cpu.cfs_quota_us";
            (name, read(name)?, read("cpu.cfs_period_us")?)
        }
        Version::V2 => {
            let name = "cpu.max";
            let text = read(name)?;
            let (quota, period) = text.split_once(' ')?;
            (name, quota.to_owned(), period.to_owned())
        }
    };
    // `-1` and `max` are no quota, and no number either.
    let quota: u64 = quota.trim().parse().ok()?;
    let period: u64 = period.trim().parse().ok().filter(|period| *period > 0)?;
    // Half a processor still runs one thread.
    let cpus = quota.div_ceil(period).max(1) as usize;
    let origin = folder.join(name).display().to_string();
    Some(limit(LimitSource::Cgroup, cpus, origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_counted() {
        assert_eq!(length_of_list("0-1\n"), Some(2));
        assert_eq!(length_of_list("\t0-3,8,10-11"), Some(7));
        assert_eq!(length_of_list("5"), Some(1));
        for list in ["", "3-1", "a-b", "1,,2"] {
            assert_eq!(length_of_list(list), None, "{list}");
        }
    }
}
