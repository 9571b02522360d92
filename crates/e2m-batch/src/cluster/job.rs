//! One job of an array: runs the task that is its own, and leaves a report of it.

use super::job_report::{JobReport, Starts};
use super::record_error::RecordError;
use super::slurm;
use super::submission::{ListedTask, Submission, TaskList, read_json};
use crate::batch_file::values::{AutoCount, Parallel};
use crate::ending::BatchEnding;
use crate::environment::Environment;
use crate::event::BatchEvent;
use crate::human;
use crate::plan::{Plan, task_name};
use crate::report::results::TaskResult;
use crate::reporter::Reporter;
use crate::run::StartError;
use crate::single_task::{SingleTask, ending_of};
use e2m_io::{Scratch, is_same_disk, is_shared_disk};
use e2m_pipeline::{Status, TaskOutcome, TaskSpec, record_failure};
use e2m_schedule::Interrupt;
use e2m_schedule::slurm::{JobState, Slurm};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// After so many warnings without a finished stage in between, another start would come to nothing as well.
const STARTS_IN_VAIN: u32 = 3;
/// A job may start so much earlier than it is on record.
const RECORD_LATE: Duration = Duration::from_secs(60);

/// SLURM's warning that the time of a job is nearly up, shared with whoever hears it.
#[derive(Debug, Clone, Default)]
pub struct JobWarning(Arc<AtomicBool>);

impl JobWarning {
    /// The warning has come.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a job cannot do its task.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// This is no job.
    #[error(
        "SLURM_ARRAY_TASK_ID is not set: this is for the jobs that `e2m submit` makes; to run one task use `e2m task`"
    )]
    NoArray,
    /// What is on record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The list has no such task.
    #[error("{} has no task number {number}", list.display())]
    NoTask {
        /// The list.
        list: PathBuf,
        /// The number in the array.
        number: usize,
    },
    /// Nothing is to be done for it.
    #[error("{} is over; nothing is to be done for it", folder.display())]
    Over {
        /// The folder of the submission.
        folder: PathBuf,
    },
    /// Its submission knows nothing of it.
    #[error("job {job} is not on record in {}: its submission was interrupted. Submit the batch again", folder.display())]
    NotOnRecord {
        /// The job, as `12_3`.
        job: String,
        /// The folder of the submission.
        folder: PathBuf,
    },
}

/// A job, and the task that is its own.
#[derive(Debug)]
pub struct ArrayJob {
    /// The folder of the submission.
    folder: PathBuf,
    /// Its number as `12_3`.
    number: String,
    node: Option<String>,
    /// How often it was started before.
    restarts: u32,
    /// The task's index in the submission.
    index: usize,
    plan: Plan,
    starts: Starts,
    environment: Environment,
}

impl ArrayJob {
    /// The job that this process runs in, by the list of its array's tasks.
    ///
    /// # Errors
    /// Where this is no job, or one that its submission does not want.
    pub fn read(list: &Path, environment: &Environment) -> Result<Self, JobError> {
        let list = std::path::absolute(list).unwrap_or_else(|_| list.to_owned());
        let folder = list.parent().unwrap_or(Path::new(".")).to_owned();
        let number: usize = environment
            .get("SLURM_ARRAY_TASK_ID")
            .and_then(|text| text.parse().ok())
            .ok_or(JobError::NoArray)?;
        let array = environment.get("SLURM_ARRAY_JOB_ID").unwrap_or_default();
        let tasks: TaskList = read_json(&list)?;
        let job = format!("{array}_{number}");
        let submission = on_record(&folder, &job)?;
        let Some(ListedTask { index, task }) = tasks.tasks.get(number).cloned() else {
            return Err(JobError::NoTask { list, number });
        };
        let starts = Starts::of(&folder, index);
        Ok(Self {
            plan: plan_of(&submission, starts.remaining(task))?,
            folder,
            number: job,
            node: environment.get("SLURMD_NODENAME"),
            restarts: environment
                .get("SLURM_RESTART_COUNT")
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            index,
            starts,
            environment: environment.clone(),
        })
    }

    fn task(&self) -> &TaskSpec {
        &self.plan.tasks[0]
    }

    /// Runs the task and leaves a report. `warning` says whether SLURM warned that the time is up.
    ///
    /// # Errors
    /// Where the report cannot be written.
    pub fn run(
        mut self,
        interrupt: &Interrupt,
        warning: &JobWarning,
        reporter: &mut dyn Reporter,
    ) -> Result<BatchEnding, RecordError> {
        let again = match self.restarts {
            0 => String::new(),
            times => format!(", started again ({})", human::count(times as usize, "time")),
        };
        note(
            reporter,
            &format!(
                "e2m {}: {} as job {} on {}{again}",
                env!("CARGO_PKG_VERSION"),
                task_name(self.task()),
                self.number,
                self.node.as_deref().unwrap_or("an unnamed node"),
            ),
        );
        if let Err(error) = JobReport::clear(&self.folder, self.index) {
            warn(reporter, &error.to_string());
        }
        let mut outcome = self.perform(interrupt, reporter);
        let requeue = outcome.interrupted && self.may_start_again(&mut outcome, warning, reporter);
        let result = TaskResult::of(self.task(), &outcome, &self.plan.output_dir);
        let ending = ending_of(&self.plan, &result, interrupt.is_raised());
        let mut report = JobReport {
            job: self.number.clone(),
            node: self.node.clone(),
            requeued: requeue,
            outcome,
        };
        let mut written = report.write(&self.folder, self.index);
        // The last thing, as SLURM ends the job at once.
        if requeue && let Err(error) = self.slurm().requeue(&self.number) {
            warn(
                reporter,
                &format!(
                    "this job cannot be put back into the queue, submit the batch again: {error}"
                ),
            );
            report.requeued = false;
            report.outcome.notes.push(format!(
                "its job could not be put back into the queue: {error}"
            ));
            written = report.write(&self.folder, self.index);
        }
        written.map(|()| ending)
    }

    fn perform(&self, interrupt: &Interrupt, reporter: &mut dyn Reporter) -> TaskOutcome {
        let task = self.task();
        match SingleTask::prepare(&self.plan, task, &self.environment, reporter) {
            Ok(single) => {
                let scratch = self.scratch(single.disk_bytes(), reporter);
                single.run(interrupt, scratch.as_ref(), reporter)
            }
            Err(refused) => self.not_started(&refused, reporter),
        }
    }

    fn not_started(&self, refused: &StartError, reporter: &mut dyn Reporter) -> TaskOutcome {
        let text = refused.to_string();
        reporter.on_event(&BatchEvent::Error { text: &text });
        let (sample, dye) = (&self.task().sample, &self.task().dye);
        let why = format!(
            "not started on {}: {text}",
            self.node.as_deref().unwrap_or("its node")
        );
        TaskOutcome::failed(sample, dye, why)
    }

    /// A folder for files under construction, where the batch file or the node names one.
    fn scratch(&self, disk_bytes: u64, reporter: &mut dyn Reporter) -> Option<Scratch> {
        let output = &self.plan.output_dir;
        let folder = match self.plan.slurm.scratch.as_deref() {
            Some("none") => return None,
            Some(named) => filled_in(named, |name| self.environment.get(name)).map(PathBuf::from),
            None => {
                let folder = PathBuf::from(self.environment.get("TMPDIR")?);
                // What only leads to the same disk, or across a network as well, would be written twice for nothing.
                if is_same_disk(&folder, output) || is_shared_disk(&folder) {
                    return None;
                }
                Ok(folder)
            }
        };
        let opened = folder.and_then(|folder| {
            Scratch::open(&folder, disk_bytes).map_err(|error| error.to_string())
        });
        match opened {
            Ok(scratch) => {
                note(
                    reporter,
                    &format!(
                        "files are made in {} and copied when they are finished",
                        scratch.folder().display()
                    ),
                );
                Some(scratch)
            }
            Err(why) => {
                warn(reporter, &format!("no scratch folder is used: {why}"));
                None
            }
        }
    }

    /// Whether the task, which was stopped, is to be started again in this job. Keeps on record how far it got.
    fn may_start_again(
        &mut self,
        outcome: &mut TaskOutcome,
        warning: &JobWarning,
        reporter: &mut dyn Reporter,
    ) -> bool {
        // While it waited for another run, the task itself could not come to anything.
        let time_was_up = warning.is_raised()
            && outcome.manifest_path.is_some()
            && !self.slurm().is_being_preempted(&self.number);
        self.starts.add(&outcome.stages_done, time_was_up);
        if let Err(error) = self.starts.write(&self.folder, self.index) {
            warn(reporter, &error.to_string());
        }
        // Preemption begins with SIGTERM as cancelling does; only then SLURM still calls the job running. Where it does not,
        // it starts the job again itself, if at all.
        let running = match self.slurm().state(&self.number) {
            Ok(Some(state)) => matches!(state, JobState::Running { .. }),
            Ok(None) => false,
            Err(error) => {
                warn(reporter, &error.to_string());
                warning.is_raised()
            }
        };
        if !running {
            return false;
        }
        if self.starts.in_vain >= STARTS_IN_VAIN {
            let why = format!(
                "no stage could be finished in {STARTS_IN_VAIN} starts of this job in a row; give it more time ([slurm] time)"
            );
            if let Err(error) = record_failure(self.task(), &why) {
                warn(reporter, &error.to_string());
            }
            outcome.status = Status::Error(why);
            return false;
        }
        note(reporter, "asking SLURM to start this job again later");
        true
    }

    fn slurm(&self) -> Slurm {
        slurm(&self.plan.slurm, &self.environment)
    }
}

/// The submission, if it still wants this job. Whoever submits may have been killed before the job was on record, or be just
/// about to write it down.
fn on_record(folder: &Path, job: &str) -> Result<Submission, JobError> {
    let began = Instant::now();
    loop {
        let submission = Submission::read(folder)?;
        if submission.record.closed {
            return Err(JobError::Over {
                folder: folder.to_owned(),
            });
        }
        if submission.owns(job) {
            return Ok(submission);
        }
        if began.elapsed() > RECORD_LATE {
            return Err(JobError::NotOnRecord {
                job: job.to_owned(),
                folder: folder.to_owned(),
            });
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// The plan of the one task, with the settings of the batch file as it was submitted.
fn plan_of(submission: &Submission, task: TaskSpec) -> Result<Plan, RecordError> {
    let batch = submission.batch()?;
    let mut plan = Plan::of_tasks(&batch, vec![task]);
    // The job has what it was given, whatever the batch file asks for.
    plan.execution.threads = AutoCount::Auto;
    plan.execution.parallel = Parallel::No;
    Ok(plan)
}

fn note(reporter: &mut dyn Reporter, text: &str) {
    reporter.on_event(&BatchEvent::Note { text });
}

fn warn(reporter: &mut dyn Reporter, text: &str) {
    reporter.on_event(&BatchEvent::Warning { text });
}

/// A text with `$NAME` and `${NAME}` filled in.
fn filled_in(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{') {
            Some(inside) => inside
                .split_once('}')
                .ok_or_else(|| format!("scratch = {text:?} has a brace that is not closed"))?,
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len()))
            }
        };
        let known = value(name)
            .ok_or_else(|| format!("scratch = {text:?}, and ${name} is not set on this node"))?;
        filled.push_str(&known);
        filled.push_str(rest);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_scratch_folder_are_filled_in() {
        let value = |name: &str| match name {
            "USER" => Some("ada".to_owned()),
            "SLURM_JOB_ID" => Some("12".to_owned()),
            _ => None,
        };
        let filled = |text| filled_in(text, value);
        assert_eq!(filled("/scratch/$USER/x").as_deref(), Ok("/scratch/ada/x"));
        assert_eq!(
            filled("/s/${USER}_$SLURM_JOB_ID").as_deref(),
            Ok("/s/ada_12")
        );
        assert_eq!(filled("/plain").as_deref(), Ok("/plain"));
        assert!(filled("/$NOBODY").is_err_and(|why| why.contains("$NOBODY is not set")));
        assert!(filled("/${USER").is_err());
    }
}
