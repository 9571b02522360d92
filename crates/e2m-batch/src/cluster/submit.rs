//! `e2m submit`: hands the tasks that are to be done over to the cluster.

use super::collect::collect;
use super::queue::Queue;
use super::scripts::Scripts;
use super::submission::{
    ArrayRecord, PATIENCE, SubmissionRecord, RecordError, Submission, TaskList, all, alone,
};
use super::{sizing, slurm};
use crate::args::TaskArgs;
use crate::batch_file::SlurmSettings;
use crate::exit::Exit;
use crate::gate::Admission;
use crate::human::{self, count};
use crate::look::look;
use crate::plan::Plan;
use crate::report::log::RunLog;
use crate::run::{Journal, check_output_dir};
use crate::signals;
use crate::task_name;
use crate::terminal::Terminal;
use e2m_io::write_atomic;
use e2m_pipeline::{Outlook, PipelineError, TaskSpec};
use e2m_schedule::Interrupt;
use e2m_schedule::slurm::{Demand, Group, Site, Slurm, SlurmError, groups};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What is handed over.
pub(crate) struct Handover<'a> {
    pub(crate) plan: &'a Plan,
    /// The batch file as it is now.
    pub(crate) batch: &'a str,
    /// What the command line asked for.
    pub(crate) asked: &'a TaskArgs,
    /// Scripts are printed, and nothing is submitted.
    pub(crate) dry_run: bool,
}

/// Why nothing was submitted.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubmitError {
    #[error(transparent)]
    SubmissionRecord(#[from] RecordError),
    #[error(transparent)]
    Slurm(#[from] SlurmError),
    #[error("this program does not know where it is, which its jobs have to: {0}")]
    NoProgram(std::io::Error),
    #[error(transparent)]
    Script(#[from] e2m_io::AtomicError),
    #[error(
        "{0}\nNothing was submitted, as it might be in the queue already. Try again when that is mended"
    )]
    QueueUnknown(String),
    #[error("interrupted; nothing was submitted")]
    Interrupted,
}

/// Submits what is neither finished nor in the queue.
pub(crate) fn submit(handover: &Handover<'_>, terminal: &Terminal) -> Exit {
    let plan = handover.plan;
    if let Some((option, instead)) = sizing::not_extra(&plan.slurm) {
        terminal.error(&format!(
            "extra under [slurm] has {option}, which e2m sets itself: {instead}"
        ));
        return Exit::BadInput;
    }
    let outlooks = look(plan);
    let cpus = sizing::cpus(plan);
    let gate = Admission::of_jobs(
        plan,
        &outlooks,
        cpus,
        plan.slurm.memory.map(|memory| memory.0),
    );
    gate.tell_fit(terminal);
    if gate.refuses() {
        return Exit::Refused;
    }
    if !handover.dry_run
        && let Err(error) = check_output_dir(&plan.output_dir)
    {
        terminal.error(&error);
        return Exit::BadInput;
    }
    let interrupt = Interrupt::default();
    signals::listen_saying(
        &interrupt,
        terminal,
        "interrupted; what was submitted is taken back",
    );
    match hand_over(handover, (&outlooks, &gate, cpus), &interrupt, terminal) {
        Ok(Handed::Over(submission)) => {
            tell(&submission, plan, terminal);
            Exit::Complete
        }
        Ok(Handed::Nothing(exit)) => exit,
        Err(SubmitError::Interrupted) => {
            terminal.error(&SubmitError::Interrupted.to_string());
            Exit::Interrupted
        }
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::BadInput
        }
    }
}

/// What came of it.
enum Handed {
    Over(Box<Submission>),
    /// There was nothing to submit.
    Nothing(Exit),
}

fn hand_over(
    handover: &Handover<'_>,
    (outlooks, gate, cpus): (&[Result<Outlook, PipelineError>], &Admission, usize),
    interrupt: &Interrupt,
    terminal: &Terminal,
) -> Result<Handed, SubmitError> {
    let plan = handover.plan;
    // Two that submit at the same time would both find the queue without the other's jobs.
    let lock = (!handover.dry_run)
        .then(|| alone(&plan.output_dir, PATIENCE))
        .transpose()?;
    let queue = Queue::look(plan);
    // What is not known to be in the queue would be handed over a second time.
    if !queue.notes.is_empty() && !handover.dry_run {
        return Err(SubmitError::QueueUnknown(queue.notes.join("\n")));
    }
    let chosen = choose(plan, outlooks, &queue, terminal);
    let program = std::env::current_exe().map_err(SubmitError::NoProgram)?;
    let site = sizing::site(&plan.slurm);
    if !handover.dry_run {
        send_missing_collectors(plan, (&site, &program), &queue)?;
    }
    if chosen.is_empty() {
        drop(lock);
        return Ok(Handed::Nothing(nothing_to_submit(
            plan,
            &queue,
            handover.dry_run,
            terminal,
        )));
    }
    let demand =
        |index: &usize| sizing::demand(plan, &gate.needs()[*index], &outlooks[*index], cpus);
    let demands: Vec<Demand> = chosen.iter().map(demand).collect();
    let tasks: Vec<TaskSpec> = chosen
        .iter()
        .map(|index| plan.tasks[*index].clone())
        .collect();
    for task in &tasks {
        for path in [&task.post, &task.pre, &task.output_dir] {
            Submission::text(path)?;
        }
    }
    let asked = handover.asked;
    let mut record = SubmissionRecord::new(&plan.batch_path, &asked.samples, &asked.dyes);
    let file_bytes: Vec<u64> = chosen
        .iter()
        .map(|index| sizing::file_bytes(&outlooks[*index]))
        .collect();
    record.arrays = arrays(plan, &demands, &file_bytes, cpus);
    let submission = Submission::new(&plan.output_dir, record);
    if handover.dry_run {
        let scripts = Scripts {
            submission: &submission,
            site: &site,
            settings: &plan.slurm,
            program: &program,
        };
        print(&submission, &scripts, terminal)?;
        return Ok(Handed::Nothing(Exit::Complete));
    }
    submission.begin(handover.batch, &tasks)?;
    let mut sender = Sender {
        submission,
        tasks,
        site,
        settings: plan.slurm.clone(),
        program,
        client: slurm(&plan.slurm),
    };
    sender.send(interrupt)?;
    Ok(Handed::Over(Box::new(sender.submission)))
}

/// A submission that was killed before its last step has jobs, and none that collects what they leave.
fn send_missing_collectors(
    plan: &Plan,
    (site, program): (&Site, &Path),
    queue: &Queue,
) -> Result<(), SubmitError> {
    if queue.is_empty() {
        return Ok(());
    }
    let (submissions, _) = all(&plan.output_dir);
    let orphans = submissions.into_iter().filter(|one| {
        !one.record.closed && one.record.collectors.is_empty() && !one.jobs().is_empty()
    });
    for submission in orphans {
        let after = submission.jobs();
        let mut sender = Sender {
            tasks: submission.tasks()?,
            submission,
            site: site.clone(),
            settings: plan.slurm.clone(),
            program: program.to_owned(),
            client: slurm(&plan.slurm),
        };
        sender.send_collector(&after)?;
    }
    Ok(())
}

/// The tasks to be submitted, by their place in the plan.
fn choose(
    plan: &Plan,
    outlooks: &[Result<Outlook, PipelineError>],
    queue: &Queue,
    terminal: &Terminal,
) -> Vec<usize> {
    let mut chosen = Vec::new();
    for (index, (task, outlook)) in plan.tasks.iter().zip(outlooks).enumerate() {
        if let Some(there) = queue.of(task) {
            let (name, state) = (task_name(task), there.told());
            let unheard = if task.force || task.from_stage > 1 {
                "; nothing is done again in it, `e2m cancel` it first for that"
            } else {
                ""
            };
            terminal.say(&format!(
                "{name} is left to job {}, {state}{unheard}",
                there.job
            ));
            continue;
        }
        match outlook {
            Ok(outlook) if outlook.is_finished() => continue,
            Ok(_) => {}
            Err(error) => {
                terminal.warn(&format!("{}: {error}; its job will fail", task_name(task)));
            }
        }
        chosen.push(index);
    }
    chosen
}

fn nothing_to_submit(plan: &Plan, queue: &Queue, dry_run: bool, terminal: &Terminal) -> Exit {
    if !queue.is_empty() {
        terminal.say("Nothing to submit: everything is finished or in the queue.");
        Exit::Complete
    } else if dry_run {
        terminal.say("Nothing to submit: everything is finished.");
        Exit::Complete
    } else {
        terminal.say("Nothing to submit: everything is finished. The result is written anew.");
        collect(plan, terminal)
    }
}

fn arrays(plan: &Plan, demands: &[Demand], file_bytes: &[u64], cpus: usize) -> Vec<ArrayRecord> {
    let max_running = plan.slurm.max_running.map(|max| max.0 as usize);
    let groups = groups(demands, max_running);
    let record = |(index, group): (usize, Group)| ArrayRecord {
        name: format!("array-{}", index + 1),
        job: None,
        warn_seconds: sizing::warn_seconds(
            group.seconds,
            group
                .jobs
                .iter()
                .map(|job| file_bytes[*job])
                .max()
                .unwrap_or(0),
        ),
        after: group.after,
        tasks: group.jobs,
        memory_bytes: group.memory_bytes,
        seconds: group.seconds,
        cpus,
        at_a_time: group.at_a_time,
        again: false,
    };
    groups.into_iter().enumerate().map(record).collect()
}

fn print(
    submission: &Submission,
    scripts: &Scripts<'_>,
    terminal: &Terminal,
) -> Result<(), SubmitError> {
    let mut all = Vec::new();
    for array in &submission.record.arrays {
        all.push(scripts.array(array)?);
    }
    all.push(scripts.collector()?);
    let shown = all
        .iter()
        .map(|(path, text)| format!("# ---- {}\n{text}", path.display()));
    terminal.result(shown.collect::<Vec<_>>().join("\n").trim_end());
    terminal.say("\nNothing was submitted (--dry-run). The last script waits for the others.");
    Ok(())
}

/// Gives scripts to `sbatch`.
pub(super) struct Sender {
    pub(super) submission: Submission,
    pub(super) tasks: Vec<TaskSpec>,
    pub(super) site: Site,
    pub(super) settings: SlurmSettings,
    pub(super) program: PathBuf,
    pub(super) client: Slurm,
}

impl Sender {
    /// Submits every array, and a job that collects after them: all of them, or none.
    fn send(&mut self, interrupt: &Interrupt) -> Result<(), SubmitError> {
        let sent = self.send_all(interrupt);
        if sent.is_err() {
            // First, as jobs of a submission that is over end by themselves.
            self.submission.record.closed = true;
            self.submission.write()?;
            let jobs: Vec<String> = self.submission.jobs().iter().map(u64::to_string).collect();
            self.client.cancel(&jobs)?;
        }
        sent
    }

    fn send_all(&mut self, interrupt: &Interrupt) -> Result<(), SubmitError> {
        let stop = || match interrupt.is_raised() {
            true => Err(SubmitError::Interrupted),
            false => Ok(()),
        };
        let mut jobs = Vec::new();
        for index in 0..self.submission.record.arrays.len() {
            stop()?;
            jobs.push(self.send_array(index)?);
        }
        stop()?;
        self.send_collector(&jobs)?;
        stop()
    }

    /// Submits an array; answers with its number.
    pub(super) fn send_array(&mut self, index: usize) -> Result<u64, SubmitError> {
        let arrays = &self.submission.record.arrays;
        let array = &arrays[index];
        let before = array.after.and_then(|before| arrays.get(before)?.job);
        let list = TaskList::of(array, &self.tasks);
        self.submission
            .write_json(&format!("{}.json", array.name), &list)?;
        let (path, text) = self.scripts().array(array)?;
        let job = self.hand_in(&path, &text, before.as_slice())?;
        self.submission.record.arrays[index].job = Some(job);
        self.submission.write()?;
        Ok(job)
    }

    /// Submits the job that collects after these.
    pub(super) fn send_collector(&mut self, after: &[u64]) -> Result<(), SubmitError> {
        let (path, text) = self.scripts().collector()?;
        let job = self.hand_in(&path, &text, after)?;
        self.submission.record.collectors.push(job);
        Ok(self.submission.write()?)
    }

    fn hand_in(&self, path: &Path, text: &str, after: &[u64]) -> Result<u64, SubmitError> {
        write_atomic(path, text.as_bytes())?;
        Ok(self.client.submit(path, after)?)
    }

    fn scripts(&self) -> Scripts<'_> {
        Scripts {
            submission: &self.submission,
            site: &self.site,
            settings: &self.settings,
            program: &self.program,
        }
    }
}

/// Says what was submitted, on the terminal, in the run log and in `events.jsonl`.
fn tell(submission: &Submission, plan: &Plan, terminal: &Terminal) {
    let record = &submission.record;
    let tasks: usize = record.arrays.iter().map(|array| array.tasks.len()).sum();
    let mut log = RunLog::open(&plan.output_dir);
    log.start(plan);
    let mut say = |line: String| {
        log.line(&line);
        terminal.say(&line);
    };
    say(format!("Submitted {}:", count(tasks, "task")));
    for array in &record.arrays {
        let at_a_time = array
            .at_a_time
            .filter(|at_a_time| *at_a_time < array.tasks.len());
        say(format!(
            "  job {}: {}, each with {} of memory, {} and at most {}{}",
            array.job.unwrap_or_default(),
            count(array.tasks.len(), "task"),
            human::bytes(array.memory_bytes),
            count(array.cpus, "CPU"),
            human::about(array.seconds as f64),
            at_a_time.map_or_else(String::new, |at_a_time| format!(", {at_a_time} at a time"))
        ));
    }
    for collector in &record.collectors {
        say(format!(
            "  job {collector}: writes the result and the report when they have ended"
        ));
    }
    terminal.say(&format!(
        "Scripts and logs are in {}.\n`e2m status` with the same batch file tells how far it is, `e2m cancel` ends it.",
        submission.folder.display(),
    ));
    let jobs: Vec<Option<u64>> = record.arrays.iter().map(|array| array.job).collect();
    Journal::open(&plan.output_dir, &record.submitted).add(
        "submitted",
        None,
        json!({"version": record.version, "batch": record.batch, "tasks": tasks, "jobs": jobs, "collector": record.collectors.last()}),
    );
}
