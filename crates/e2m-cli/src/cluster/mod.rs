//! A batch on a SLURM cluster: handed over, watched, collected.
//!
//! ```text
//! e2m submit          submit.rs   tasks to be done, sized (sizing.rs), as scripts (scripts.rs), to sbatch
//!   each task's job   work.rs     e2m slurm-task: the task, then an answer (answer.rs)
//!   the last job      collect.rs  e2m slurm-collect: answers, what died (deaths.rs), result, table, report
//! e2m status, cancel  queue.rs, cancel.rs
//! ```
//!
//! What belongs to one submission lies in a folder of its own below `.e2m_slurm` in output_dir (`submission.rs`): the batch file
//! as it was, the tasks, scripts, logs, answers. Results are where they always are; which of them count is for manifests to say,
//! so that a batch can be begun in one place and finished in another.

mod answer;
mod cancel;
mod collect;
mod deaths;
mod queue;
mod scripts;
mod sizing;
mod submission;
mod submit;
mod work;

pub(crate) use cancel::cancel;
pub(crate) use collect::{collect, collect_submission};
pub(crate) use queue::Queue;
pub(crate) use sizing::cpus;
pub(crate) use submit::{Handover, submit};
pub(crate) use work::work;

use e2m_schedule::slurm::Slurm;
use std::ffi::OsString;

/// SLURM. In a job, what it says of that job would be taken by its programs for wishes about the next one.
fn slurm() -> Slurm {
    let in_job = std::env::var_os("SLURM_JOB_ID").is_some();
    let hidden = |name: &OsString| {
        let name = name.to_string_lossy();
        let of_site = ["SLURM_CONF", "SLURM_CLUSTERS", "SLURM_TIME_FORMAT"];
        in_job && name.starts_with("SLURM_") && !of_site.contains(&&*name)
    };
    Slurm::new(
        std::env::vars_os()
            .map(|(name, _)| name)
            .filter(hidden)
            .collect(),
    )
}
