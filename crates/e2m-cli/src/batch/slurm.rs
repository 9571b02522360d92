//! `[slurm]`: jobs on a cluster.

use super::section::section;
use super::values::{Count, WallTime};

section! {
    /// `[slurm]`: jobs on a cluster.
    pub(crate) struct Slurm ["slurm"] {
        later partition: Option<String> = Some(None), "Partition to submit to";
        later time: Option<WallTime> = Some(None), "Time limit of one task";
        later max_running: Option<Count> = Some(None), "Tasks that may run at the same time";
        later setup: Option<String> = Some(None), "Shell lines to run before the task, such as \"module load opencv\"";
    }
}
