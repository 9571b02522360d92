//! A batch on a SLURM cluster: handed over, watched, collected.
//!
//! ```text
//! submit              submit.rs       tasks to be done, sized (sizing.rs), as scripts (scripts.rs), to sbatch (sender.rs)
//!   each task's job   job.rs          e2m slurm-task: the task, then a report of it (job_report.rs)
//!   the last job      collect.rs      e2m slurm-collect: what became of each (reconciliation.rs, job_failure.rs), result, page
//! status, cancel      queue.rs, cancel.rs
//! ```
//!
//! What belongs to one submission lies in a folder of its own below `.e2m_slurm` in the output folder (`submission.rs`): the batch
//! file as it was, the tasks, scripts, logs, reports of jobs. Results are where they always are; which of them count is for
//! manifests to say, so that a batch can be begun in one place and finished in another.

mod cancel;
mod collect;
mod job;
mod job_failure;
mod job_report;
mod queue;
mod reconciliation;
mod record_error;
mod scripts;
mod sender;
mod sizing;
mod submission;
mod submit;
mod summary;

pub use cancel::{CancelError, Cancelled, cancel};
pub use collect::{Collected, collect, collect_submission};
pub use job::{ArrayJob, JobError, JobWarning};
pub use queue::{Queue, Whereabouts};
pub use record_error::RecordError;
pub use sizing::cpus;
pub use submit::{Handover, SubmitError, Submitted, submit};
pub use summary::{SubmissionSummary, SubmittedArray};

use crate::batch_file::SlurmSettings;
use crate::environment::Environment;
use e2m_schedule::slurm::Slurm;
use std::ffi::OsString;

/// SLURM, with an environment that does not undo what scripts say. In a job, what SLURM says of that job would be taken by
/// its programs for wishes about the next one; and variables of `sbatch` go before what stands in a script: those of a
/// user's profile count for what the batch file leaves open, and not for what e2m relies on.
fn slurm(settings: &SlurmSettings, environment: &Environment) -> Slurm {
    let in_job = environment.has("SLURM_JOB_ID");
    let hidden = |name: &&OsString| is_hidden(&name.to_string_lossy(), in_job, settings);
    Slurm::new(environment.names().filter(hidden).cloned().collect())
}

fn is_hidden(name: &str, in_job: bool, settings: &SlurmSettings) -> bool {
    const OF_SITE: [&str; 5] = [
        "SLURM_CONF",
        "SLURM_CONF_SERVER",
        "SLURM_CLUSTERS",
        "SLURM_JWT",
        "SLURM_TIME_FORMAT",
    ];
    const RELIED_ON: [&str; 13] = [
        "SBATCH_ARRAY_INX",
        "SBATCH_JOB_NAME",
        "SBATCH_MEM_PER_CPU",
        "SBATCH_MEM_PER_GPU",
        "SBATCH_MEM_PER_NODE",
        "SBATCH_NO_REQUEUE",
        "SBATCH_OPEN_MODE",
        "SBATCH_OUTPUT",
        "SBATCH_REQUEUE",
        "SBATCH_SIGNAL",
        "SBATCH_TIMELIMIT",
        "SBATCH_WAIT",
        "SBATCH_WRAP",
    ];
    let given = [
        ("SBATCH_PARTITION", settings.partition.is_some()),
        ("SBATCH_ACCOUNT", settings.account.is_some()),
        ("SBATCH_QOS", settings.qos.is_some()),
        ("SBATCH_CONSTRAINT", settings.constraint.is_some()),
    ];
    in_job && name.starts_with("SLURM_") && !OF_SITE.contains(&name)
        || RELIED_ON.contains(&name)
        || given.contains(&(name, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_file::BatchFile;

    #[test]
    fn profiles_decide_what_the_batch_file_leaves_open() {
        let text = "raw_dir = \"a\"\noutput_dir = \"b\"\n[slurm]\nqos = \"low\"\n";
        let batch =
            BatchFile::parse(std::path::Path::new("/b/batch.toml"), text).expect("a batch file");
        let hidden = |name, in_job| is_hidden(name, in_job, &batch.slurm);
        assert!(hidden("SBATCH_QOS", false) && hidden("SBATCH_TIMELIMIT", false));
        assert!(!hidden("SBATCH_ACCOUNT", false) && !hidden("PATH", true));
        assert!(hidden("SLURM_MEM_PER_NODE", true) && !hidden("SLURM_MEM_PER_NODE", false));
        assert!(!hidden("SLURM_CONF", true) && !hidden("SLURM_JWT", true));
    }
}
