//! What SLURM tells a job about itself.

use crate::{MachineNote, Variables};

/// The job of a cluster that this process belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// `SLURM_JOB_ID`.
    pub job: String,
    /// `SLURM_ARRAY_TASK_ID`, in a job array.
    pub array_task: Option<String>,
    /// `SLURM_JOB_PARTITION`.
    pub partition: Option<String>,
    /// `SLURMD_NODENAME`.
    pub node: Option<String>,
}

impl Cluster {
    pub(super) fn of(variables: &Variables) -> Option<Self> {
        let text = |name: &str| variables.get(name).map(str::to_owned);
        Some(Self {
            job: text("SLURM_JOB_ID").or_else(|| text("SLURM_JOBID"))?,
            array_task: text("SLURM_ARRAY_TASK_ID"),
            partition: text("SLURM_JOB_PARTITION"),
            node: text("SLURMD_NODENAME"),
        })
    }
}

/// SLURM's megabyte is 2^20 bytes, and its sizes are in megabytes unless they say otherwise.
const UNITS: [(char, u64); 4] = [
    ('K', 1 << 10),
    ('M', 1 << 20),
    ('G', 1 << 30),
    ('T', 1 << 40),
];
const SIZE: &str = "a size in megabytes, or one with K, M, G or T,";

fn size(text: &str) -> Option<u64> {
    let last = text.chars().last()?.to_ascii_uppercase();
    match UNITS.iter().find(|(name, _)| *name == last) {
        Some((_, unit)) => text
            .get(..text.len() - 1)?
            .parse::<u64>()
            .ok()?
            .checked_mul(*unit),
        None => text.parse::<u64>().ok()?.checked_mul(1 << 20),
    }
}

/// The memory of the job on this node, and the variables it follows from.
pub(super) fn memory(variables: &Variables, notes: &mut Vec<MachineNote>) -> Option<(u64, String)> {
    const PER_NODE: &str = "SLURM_MEM_PER_NODE";
    const PER_CPU: &str = "SLURM_MEM_PER_CPU";
    // Zero asks for the whole node, which is no limit.
    let per_node = variables.read(PER_NODE, SIZE, notes, size);
    if let Some(bytes) = per_node.filter(|bytes| *bytes > 0) {
        return Some((bytes, PER_NODE.to_owned()));
    }
    let per_cpu = variables.read(PER_CPU, SIZE, notes, size)?;
    // The job is given memory for every processor it has on this node, not only for those of one of its tasks.
    let counts = ["SLURM_CPUS_ON_NODE", "SLURM_CPUS_PER_TASK"];
    let mut ignored = Vec::new();
    let (cpus, name) = counts
        .iter()
        .find_map(|name| Some((variables.count(name, &mut ignored)?, *name)))
        .unwrap_or((1, "1 CPU"));
    let bytes = per_cpu.checked_mul(cpus as u64)?;
    (bytes > 0).then(|| (bytes, format!("{PER_CPU} x {name}")))
}

/// The processors of this task of the job, and the variable that says so.
pub(super) fn cpus(
    variables: &Variables,
    notes: &mut Vec<MachineNote>,
) -> Option<(usize, &'static str)> {
    ["SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"]
        .into_iter()
        .find_map(|name| Some((variables.count(name, notes)?, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory_of(variables: &[(&str, &str)]) -> (Option<(u64, String)>, Vec<MachineNote>) {
        let mut notes = Vec::new();
        let variables = Variables::new(variables.iter().copied());
        (memory(&variables, &mut notes), notes)
    }

    #[test]
    fn sizes_are_in_binary_megabytes_unless_they_say_otherwise() {
        assert_eq!(size("4096"), Some(4 << 30));
        assert_eq!(size("1500M"), Some(1500 << 20));
        assert_eq!(size("512k"), Some(512 << 10));
        assert_eq!(size("16G"), Some(16 << 30));
        assert_eq!(size("1T"), Some(1 << 40));
        for text in ["", "G", "4 G", "-1", "1.5G", "99999999999999999999"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn memory_per_node_counts_before_memory_per_cpu() {
        let (found, notes) =
            memory_of(&[("SLURM_MEM_PER_NODE", "2048"), ("SLURM_MEM_PER_CPU", "1")]);
        assert_eq!(found, Some((2 << 30, "SLURM_MEM_PER_NODE".into())));
        assert_eq!(notes, []);
        let (found, _) = memory_of(&[
            ("SLURM_MEM_PER_NODE", "0"),
            ("SLURM_MEM_PER_CPU", "2G"),
            ("SLURM_CPUS_ON_NODE", "8"),
            ("SLURM_CPUS_PER_TASK", "4"),
        ]);
        assert_eq!(
            found,
            Some((16 << 30, "SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE".into()))
        );
    }

    #[test]
    fn a_malformed_size_is_noted_and_ignored() {
        let (found, notes) = memory_of(&[("SLURM_MEM_PER_NODE", "plenty")]);
        assert_eq!(found, None);
        assert_eq!(
            notes[0].to_string(),
            "SLURM_MEM_PER_NODE is ignored: it holds \"plenty\", and a size in megabytes, or one with K, M, G or T, was expected"
        );
    }
}
