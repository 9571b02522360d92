//! `e2m slurm-task`: one job of an array.

use super::job_report::{JobReport, Starts};
use super::slurm;
use super::submission::{ListedTask, RecordError, Submission, TaskList, read_json};
use crate::args::{SlurmTaskArgs, TalkArgs};
use crate::batch_file::values::{AutoCount, Parallel};
use crate::exit::Exit;
use crate::human;
use crate::logging;
use crate::plan::Plan;
use crate::report::results::TaskResult;
use crate::signals::{self, Warned};
use crate::task_name;
use crate::terminal::Terminal;
use crate::unit::{SingleTask, exit_of};
use e2m_io::{Scratch, is_same_disk, is_shared_disk};
use e2m_pipeline::{Status, TaskOutcome, TaskSpec, record_failure};
use e2m_schedule::Interrupt;
use e2m_schedule::slurm::{JobState, Slurm, WARNED_VARIABLE};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// After so many warnings without a finished stage in between, another start would come to nothing as well.
const STARTS_IN_VAIN: u32 = 3;
/// A job may start so much earlier than it is on record.
const RECORD_LATE: Duration = Duration::from_secs(60);

/// Does the task of this job, and leaves an answer.
pub(crate) fn work(args: &SlurmTaskArgs) -> Exit {
    let talk = TalkArgs::default();
    let terminal = Terminal::plain(talk);
    logging::start(&terminal, talk);
    // First of all: unheard, the warning would end the process.
    let interrupt = Interrupt::default();
    let warned = signals::listen_in_job(&interrupt, &terminal);
    if variable(WARNED_VARIABLE).is_some() {
        warned.raise(&interrupt);
        terminal.say("SLURM warned during the setup that the time of this job is nearly up");
    }
    match Job::read(args) {
        Ok(job) => job.run(&interrupt, &warned, &terminal),
        Err(why) => {
            terminal.error(&why);
            Exit::BadInput
        }
    }
}

/// A job, and the task that is its own.
struct Job {
    /// The folder of the submission.
    folder: PathBuf,
    /// Its number as `12_3`.
    number: String,
    node: Option<String>,
    /// How often it was started before.
    restarts: u32,
    /// The task's place in the submission.
    index: usize,
    plan: Plan,
    starts: Starts,
}

impl Job {
    fn read(args: &SlurmTaskArgs) -> Result<Self, String> {
        let list = std::path::absolute(&args.list).unwrap_or_else(|_| args.list.clone());
        let folder = list.parent().unwrap_or(Path::new(".")).to_owned();
        let place: usize = variable("SLURM_ARRAY_TASK_ID")
            .and_then(|text| text.parse().ok())
            .ok_or("SLURM_ARRAY_TASK_ID is not set: this is for the jobs that `e2m submit` makes; to run one task use `e2m task`")?;
        let array = variable("SLURM_ARRAY_JOB_ID").unwrap_or_default();
        let said = |error: RecordError| error.to_string();
        let tasks: TaskList = read_json(&list).map_err(said)?;
        let number = format!("{array}_{place}");
        let submission = on_record(&folder, &number)?;
        let ListedTask { index, task } = tasks
            .tasks
            .get(place)
            .cloned()
            .ok_or_else(|| format!("{} has no task number {place}", list.display()))?;
        let starts = Starts::of(&folder, index);
        Ok(Self {
            plan: plan_of(&submission, starts.remaining(task))?,
            folder,
            number,
            node: variable("SLURMD_NODENAME"),
            restarts: variable("SLURM_RESTART_COUNT")
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            index,
            starts,
        })
    }

    fn task(&self) -> &TaskSpec {
        &self.plan.tasks[0]
    }

    fn run(mut self, interrupt: &Interrupt, warned: &Warned, terminal: &Terminal) -> Exit {
        let again = match self.restarts {
            0 => String::new(),
            times => format!(", started again ({})", human::count(times as usize, "time")),
        };
        terminal.say(&format!(
            "e2m {}: {} as job {} on {}{again}",
            env!("CARGO_PKG_VERSION"),
            task_name(self.task()),
            self.number,
            self.node.as_deref().unwrap_or("an unnamed node"),
        ));
        if let Err(error) = JobReport::clear(&self.folder, self.index) {
            terminal.warn(&error.to_string());
        }
        let mut outcome = self.perform(interrupt, terminal);
        let requeue = outcome.interrupted && self.may_start_again(&mut outcome, warned, terminal);
        let result = TaskResult::of(self.task(), Some(&outcome), &self.plan.output_dir);
        let exit = exit_of(&self.plan, &result, interrupt.is_raised());
        let mut answer = JobReport {
            job: self.number.clone(),
            node: self.node.clone(),
            requeued: requeue,
            outcome,
        };
        let mut written = answer.write(&self.folder, self.index);
        // The last thing, as SLURM ends the job at once.
        if requeue && let Err(error) = self.slurm().requeue(&self.number) {
            terminal.warn(&format!(
                "this job cannot be put back into the queue, submit the batch again: {error}"
            ));
            answer.requeued = false;
            answer.outcome.notes.push(format!(
                "its job could not be put back into the queue: {error}"
            ));
            written = answer.write(&self.folder, self.index);
        }
        if let Err(error) = written {
            terminal.error(&error.to_string());
            return Exit::TaskFailed;
        }
        exit
    }

    fn perform(&self, interrupt: &Interrupt, terminal: &Terminal) -> TaskOutcome {
        let unit = match SingleTask::prepare(&self.plan, terminal) {
            Ok(unit) => unit,
            Err(refusal) => {
                terminal.error(&refusal.why);
                let (sample, dye) = (&self.task().sample, &self.task().dye);
                let why = format!(
                    "not started on {}: {}",
                    self.node.as_deref().unwrap_or("its node"),
                    refusal.why
                );
                return TaskOutcome::failed(sample, dye, why);
            }
        };
        let scratch = self.scratch(unit.disk_bytes(), terminal);
        unit.run(interrupt, scratch.as_ref(), terminal)
    }

    /// A folder for files under construction, where the batch file or the node has a place for one.
    fn scratch(&self, disk_bytes: u64, terminal: &Terminal) -> Option<Scratch> {
        let output = &self.plan.output_dir;
        let place = match self.plan.slurm.scratch.as_deref() {
            Some("none") => return None,
            Some(named) => filled_in(named, variable).map(PathBuf::from),
            None => {
                let place = PathBuf::from(variable("TMPDIR")?);
                // What only leads to the same disk, or across a network as well, would be written twice for nothing.
                if is_same_disk(&place, output) || is_shared_disk(&place) {
                    return None;
                }
                Ok(place)
            }
        };
        let opened = place
            .and_then(|place| Scratch::open(&place, disk_bytes).map_err(|error| error.to_string()));
        match opened {
            Ok(scratch) => {
                terminal.say(&format!(
                    "files are made in {} and copied when they are finished",
                    scratch.folder().display()
                ));
                Some(scratch)
            }
            Err(why) => {
                terminal.warn(&format!("no scratch folder is used: {why}"));
                None
            }
        }
    }

    /// Whether the task, which was stopped, is to be started again in this job. Keeps on record how far it got.
    fn may_start_again(
        &mut self,
        outcome: &mut TaskOutcome,
        warned: &Warned,
        terminal: &Terminal,
    ) -> bool {
        // While it waited for another run, the task itself could not come to anything.
        let time_was_up = warned.is_raised()
            && outcome.manifest_path.is_some()
            && !self.slurm().is_being_preempted(&self.number);
        self.starts.add(&outcome.stages_done, time_was_up);
        if let Err(error) = self.starts.write(&self.folder, self.index) {
            terminal.warn(&error.to_string());
        }
        // Preemption begins with SIGTERM as cancelling does; only then SLURM still calls the job running. Where it does not,
        // it starts the job again itself, if at all.
        let running = match self.slurm().state(&self.number) {
            Ok(Some(state)) => matches!(state, JobState::Running { .. }),
            Ok(None) => false,
            Err(error) => {
                terminal.warn(&error.to_string());
                warned.is_raised()
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
                terminal.warn(&error.to_string());
            }
            outcome.status = Status::Error(why);
            return false;
        }
        terminal.say("asking SLURM to start this job again later");
        true
    }

    fn slurm(&self) -> Slurm {
        slurm(&self.plan.slurm)
    }
}

/// The submission, if it still wants this job. Whoever submits may have been killed before the job was on record, or be just
/// about to write it down.
fn on_record(folder: &Path, job: &str) -> Result<Submission, String> {
    let began = Instant::now();
    loop {
        let submission = Submission::read(folder).map_err(|error| error.to_string())?;
        if submission.record.closed {
            return Err(format!(
                "{} is over; nothing is to be done for it",
                folder.display()
            ));
        }
        if submission.owns(job) {
            return Ok(submission);
        }
        if began.elapsed() > RECORD_LATE {
            return Err(format!(
                "job {job} is not on record in {}: its submission was interrupted. Submit the batch again",
                folder.display()
            ));
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// The plan of the one task, with the settings of the batch file as it was submitted.
fn plan_of(submission: &Submission, task: TaskSpec) -> Result<Plan, String> {
    let batch = submission.batch().map_err(|error| error.to_string())?;
    let mut plan = Plan::of_tasks(&batch, vec![task]);
    // The job has what it was given, whatever the batch file asks for.
    plan.execution.threads = AutoCount::Auto;
    plan.execution.parallel = Parallel::No;
    Ok(plan)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
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
