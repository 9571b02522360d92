//! `[slurm]`: jobs on a cluster.

use super::section::section;
use super::values::{AtATime, AutoCount, ByteSize, Lines, WallTime};

section! {
    /// `[slurm]`: jobs on a cluster.
    pub struct Slurm ["slurm"] {
        partition: Option<String> = Some(None), "Partition to submit to";
        account: Option<String> = Some(None), "Account that the jobs are charged to";
        qos: Option<String> = Some(None), "Quality of service";
        constraint: Option<String> = Some(None), "Features that the nodes must have, such as \"ssd\"";
        time: Option<WallTime> = Some(None), "Time limit of one task; without it e2m takes one from the size of the images";
        cpus: AutoCount = Some(AutoCount::Auto), "Processors of one task; \"auto\": as many as `threads` says, otherwise 4";
        memory: Option<ByteSize> = Some(None), "Memory of one task; without it its plan and a quarter more";
        max_running: Option<AtATime> = Some(None), "Tasks that may run at the same time; without it as many as the cluster allows";
        scratch: Option<String> = Some(None), "Folder on a disk of the node for files under construction, in which names such as $USER and $SLURM_JOB_ID are filled in; without it $TMPDIR, where that is on another disk than output_dir; \"none\" for no such folder";
        setup: Option<Lines> = Some(None), "Shell lines to run before the task, such as \"module load opencv\"";
        extra: Option<Lines> = Some(None), "Further options of sbatch, such as [\"--gres=tmp:50G\", \"--nice=100\"]";
    }
}
