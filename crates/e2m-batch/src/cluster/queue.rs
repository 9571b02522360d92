//! Where the tasks of a batch are on the cluster.

use super::slurm;
use super::submission::{Submission, all};
use crate::environment::Environment;
use crate::plan::Plan;
use e2m_pipeline::TaskSpec;
use e2m_schedule::slurm::{JobState, QueuedJob};

/// Where a task is.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// Its job, as `12_3`.
    pub job: String,
    /// Whether it waits, runs or has ended.
    pub state: JobState,
    task: TaskSpec,
}

impl Whereabouts {
    /// `queued (Priority)`, `running on n1`.
    pub fn text(&self) -> String {
        match &self.state {
            JobState::Queued { reason } if reason.is_empty() || reason == "None" => {
                "queued".to_owned()
            }
            JobState::Queued { reason } => format!("queued ({reason})"),
            JobState::Running { node } if node.is_empty() => "running".to_owned(),
            JobState::Running { node } => format!("running on {node}"),
            JobState::Ending { .. } => "about to end".to_owned(),
            JobState::Ended { state } if state == "FAILED" => "failed".to_owned(),
            JobState::Ended { state } => format!("failed ({state})"),
        }
    }
}

impl Whereabouts {
    /// The same with its job, for a table.
    pub fn cell(&self) -> String {
        format!("{}, job {}", self.text(), self.job)
    }

    /// The same for other programs: `queued` or `running`, and where.
    pub fn state_and_node(&self) -> (&'static str, Option<&str>) {
        match &self.state {
            JobState::Queued { .. } => ("queued", None),
            JobState::Running { node } => ("running", Some(node)),
            JobState::Ending { node } => ("ending", Some(node)),
            JobState::Ended { .. } => ("failed", None),
        }
    }
}

/// Tasks that wait or run on the cluster, by what is on record and what SLURM says.
#[derive(Debug, Default)]
pub struct Queue {
    /// Of submissions that are open, the newest last.
    found: Vec<Whereabouts>,
    /// Jobs that collect and have not ended.
    pub(crate) collectors: Vec<u64>,
    /// What could not be found out.
    pub notes: Vec<String>,
}

impl Queue {
    /// Asks SLURM, if there are submissions that have not been closed.
    pub(crate) fn ask(plan: &Plan, environment: &Environment) -> Self {
        let (submissions, errors) = all(&plan.output_dir);
        let mut queue = Self {
            notes: errors.iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        let open: Vec<Submission> = submissions
            .into_iter()
            .filter(|submission| !submission.record.closed)
            .collect();
        let jobs: Vec<u64> = open.iter().flat_map(Submission::jobs).collect();
        match slurm(&plan.slurm, environment).queue(&jobs) {
            Ok(known) => open.iter().for_each(|one| queue.add(one, &known)),
            Err(error) => queue
                .notes
                .push(format!("what is in the queue is not known: {error}")),
        }
        queue
    }

    fn add(&mut self, submission: &Submission, known: &[QueuedJob]) {
        let tasks = match submission.tasks() {
            Ok(tasks) => tasks,
            Err(error) => {
                self.notes.push(error.to_string());
                return;
            }
        };
        for job in known {
            if submission.record.collectors.contains(&job.job) && job.state.is_live() {
                self.collectors.push(job.job);
            }
            let mut arrays = submission.record.arrays.iter();
            let array = arrays.find(|array| array.job == Some(job.job));
            let index = array.and_then(|array| array.tasks.get(job.array_task?));
            if let Some(task) = index.and_then(|index| tasks.get(*index))
                && let Some(number) = job.array_task
            {
                self.found.push(Whereabouts {
                    job: format!("{}_{number}", job.job),
                    state: job.state.clone(),
                    task: task.clone(),
                });
            }
        }
    }

    /// Where a task is; `None` where it neither waits nor runs. Other parameters make another task.
    pub(crate) fn of(&self, task: &TaskSpec) -> Option<&Whereabouts> {
        self.last(task).filter(|one| one.state.is_live())
    }

    /// Where a task is or, unless it is finished all the same, which of its jobs failed.
    pub fn whereabouts(&self, task: &TaskSpec, finished: bool) -> Option<&Whereabouts> {
        self.of(task)
            .or_else(|| self.failed(task).filter(|_| !finished))
    }

    /// The job of a task that ended without success, and has not been collected.
    fn failed(&self, task: &TaskSpec) -> Option<&Whereabouts> {
        self.last(task)
            .filter(|one| matches!(&one.state, JobState::Ended { state } if state != "COMPLETED"))
    }

    fn last(&self, task: &TaskSpec) -> Option<&Whereabouts> {
        // A live one before others of the same task: numbers do not come in the order of time.
        let same = |one: &&Whereabouts| {
            one.task.sample == task.sample
                && one.task.dye == task.dye
                && one.task.params == task.params
        };
        let mut all = self.found.iter().filter(same);
        let live = all.clone().find(|one| one.state.is_live());
        live.or_else(|| all.next_back())
    }

    /// Which job will write the report, or that none will.
    pub fn who_reports(&self) -> Option<String> {
        match self.collectors.as_slice() {
            [] if self.found.is_empty() => None,
            [] => Some(
                "No job will write the report: run `e2m collect` when all have ended.".to_owned(),
            ),
            [job] => Some(format!(
                "Job {job} writes the result and the report when the jobs have ended."
            )),
            jobs => {
                let jobs: Vec<String> = jobs.iter().map(u64::to_string).collect();
                Some(format!(
                    "Jobs {} write the result and the report when the others have ended.",
                    jobs.join(" and ")
                ))
            }
        }
    }

    /// Whether nothing of the batch waits or runs.
    pub fn is_empty(&self) -> bool {
        !self.found.iter().any(|one| one.state.is_live())
    }
}
