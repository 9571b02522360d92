//! Where the tasks of a batch are on the cluster.

use super::slurm;
use super::submission::{Submission, all};
use e2m_pipeline::TaskSpec;
use e2m_schedule::slurm::JobState;
use std::path::Path;

/// Where a task is.
#[derive(Debug, Clone)]
pub(crate) struct Whereabouts {
    /// Its job, as `12_3`.
    pub(crate) job: String,
    pub(crate) state: JobState,
    task: TaskSpec,
}

impl Whereabouts {
    /// `queued (Priority)`, `running on n1`.
    pub(crate) fn told(&self) -> String {
        match &self.state {
            JobState::Queued { reason } if reason.is_empty() || reason == "None" => {
                "queued".to_owned()
            }
            JobState::Queued { reason } => format!("queued ({reason})"),
            JobState::Running { node } if node.is_empty() => "running".to_owned(),
            JobState::Running { node } => format!("running on {node}"),
            JobState::Ended { state } => state.to_lowercase(),
        }
    }
}

impl Whereabouts {
    /// The same for other programs: `queued` or `running`, and where.
    pub(crate) fn state_and_node(&self) -> (&'static str, Option<&str>) {
        match &self.state {
            JobState::Queued { .. } => ("queued", None),
            JobState::Running { node } => ("running", Some(node)),
            JobState::Ended { .. } => ("ended", None),
        }
    }
}

/// Tasks that wait or run on the cluster, by what is on record and what SLURM says.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    live: Vec<Whereabouts>,
    /// Jobs that collect and have not ended.
    pub(crate) collectors: Vec<u64>,
    /// What could not be found out.
    pub(crate) notes: Vec<String>,
}

impl Queue {
    /// Asks SLURM, if there are submissions that have not been closed.
    pub(crate) fn look(output_dir: &Path) -> Self {
        let (submissions, errors) = all(output_dir);
        let mut queue = Self {
            notes: errors.iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        let open: Vec<Submission> = submissions
            .into_iter()
            .filter(|submission| !submission.record.closed)
            .collect();
        let jobs: Vec<u64> = open.iter().flat_map(Submission::jobs).collect();
        let known = match slurm().queue(&jobs) {
            Ok(known) => known,
            Err(error) => {
                queue
                    .notes
                    .push(format!("what is in the queue is not known: {error}"));
                return queue;
            }
        };
        for submission in &open {
            let tasks = match submission.tasks() {
                Ok(tasks) => tasks,
                Err(error) => {
                    queue.notes.push(error.to_string());
                    continue;
                }
            };
            for job in known.iter().filter(|job| job.state.is_live()) {
                if submission.record.collectors.contains(&job.job) {
                    queue.collectors.push(job.job);
                }
                let arrays = submission.record.arrays.iter();
                let array = arrays.clone().find(|array| array.job == Some(job.job));
                let index = array.and_then(|array| array.tasks.get(job.array_task?));
                if let Some(task) = index.and_then(|index| tasks.get(*index))
                    && let Some(place) = job.array_task
                {
                    queue.live.push(Whereabouts {
                        job: format!("{}_{place}", job.job),
                        state: job.state.clone(),
                        task: task.clone(),
                    });
                }
            }
        }
        queue
    }

    /// Where a task is; `None` where it neither waits nor runs. Other parameters make another task.
    pub(crate) fn of(&self, task: &TaskSpec) -> Option<&Whereabouts> {
        self.live.iter().rev().find(|one| {
            one.task.sample == task.sample
                && one.task.dye == task.dye
                && one.task.params == task.params
        })
    }

    /// Whether anything of the batch is on the cluster.
    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }
}
