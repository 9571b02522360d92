//! Hands the tasks that are to be done over to the cluster.

use super::collect::{Collected, collect};
use super::queue::Queue;
use super::record_error::RecordError;
use super::scripts::Scripts;
use super::sender::Sender;
use super::submission::{ArrayRecord, PATIENCE, Submission, SubmissionRecord, all, alone};
use super::summary::SubmissionSummary;
use super::{sizing, slurm};
use crate::admission::Admission;
use crate::environment::Environment;
use crate::event::BatchEvent;
use crate::inspect::{Preview, inspect};
use crate::plan::{Plan, task_name};
use crate::reporter::Reporter;
use crate::run::{OutputDirError, check_output_dir};
use crate::selection::TaskSelection;
use e2m_pipeline::{Stage, TaskSpec};
use e2m_schedule::Interrupt;
use e2m_schedule::slurm::{Demand, Group, Site, SlurmError, groups};
use std::path::PathBuf;

/// What is handed over.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'a> {
    /// The batch.
    pub plan: &'a Plan,
    /// The batch file as it is now.
    pub batch: &'a str,
    /// What was asked for besides it.
    pub asked: &'a TaskSelection,
    /// Scripts are made, and nothing is submitted.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Submitted {
    /// Jobs wait.
    Jobs(SubmissionSummary),
    /// The scripts that would be submitted, by where they would be.
    Scripts(Vec<(PathBuf, String)>),
    /// Everything is finished or in the queue.
    NothingLeft,
    /// Everything is finished, and nothing is in the queue. Unless it is a dry run, the results were collected.
    Finished(Option<Collected>),
}

/// Why nothing was submitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// An option of `sbatch` in the batch file that e2m sets itself.
    #[error("extra under [slurm] has {option}, which e2m sets itself: {instead}")]
    NotExtra {
        /// The option.
        option: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// Memory or disk will not do.
    #[error("{}", .0.refusal())]
    Refused(Box<Admission>),
    /// Nothing can be written to the output folder.
    #[error(transparent)]
    OutputDir(#[from] OutputDirError),
    /// What is on record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What SLURM says.
    #[error(transparent)]
    Slurm(#[from] SlurmError),
    /// A script cannot be written.
    #[error(transparent)]
    Script(#[from] e2m_io::AtomicError),
    /// What is in the queue is not known.
    #[error(
        "{0}\nNothing was submitted, as it might be in the queue already. Try again when that is mended"
    )]
    QueueUnknown(String),
    /// It was stopped.
    #[error("interrupted; nothing was submitted")]
    Interrupted,
    /// Nothing was left to be done, and what there is could not be collected.
    #[error(transparent)]
    Collect(RecordError),
    /// It failed half-way, and what was submitted before could not be taken back.
    #[error(
        "{error}\nThese jobs could not be taken back, cancel them with `scancel {jobs}`: {source}"
    )]
    NotTakenBack {
        /// Why it failed.
        error: Box<SubmitError>,
        /// The jobs, with spaces between.
        jobs: String,
        /// Why they could not be cancelled.
        source: SlurmError,
    },
}

/// Submits what is neither finished nor in the queue.
///
/// `interrupt` is asked between two scripts; what was submitted by then is taken back. `reporter` hears
/// [`BatchEvent::Admitted`], notes and warnings.
///
/// # Errors
/// See [`SubmitError`]; nothing stays in the queue then, unless it says so.
pub fn submit(
    handover: &Handover<'_>,
    environment: &Environment,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<Submitted, SubmitError> {
    let plan = handover.plan;
    if let Some((option, instead)) = sizing::not_extra(&plan.slurm) {
        return Err(SubmitError::NotExtra { option, instead });
    }
    let previews = inspect(plan);
    let cpus = sizing::cpus(plan);
    let memory = plan.slurm.memory.map(|memory| memory.0);
    let admission = Admission::of_jobs(plan, &previews, cpus, memory);
    if admission.refuses() {
        return Err(SubmitError::Refused(Box::new(admission)));
    }
    reporter.on_event(&BatchEvent::Admitted {
        plan,
        admission: &admission,
    });
    if !handover.dry_run {
        check_output_dir(&plan.output_dir)?;
    }
    let inspected = Inspected {
        previews: &previews,
        admission: &admission,
        cpus,
    };
    hand_over(handover, &inspected, environment, interrupt, reporter)
}

/// What is known of the tasks.
struct Inspected<'a> {
    previews: &'a [Preview],
    admission: &'a Admission,
    cpus: usize,
}

fn hand_over(
    handover: &Handover<'_>,
    inspected: &Inspected<'_>,
    environment: &Environment,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<Submitted, SubmitError> {
    let plan = handover.plan;
    // Two that submit at the same time would both find the queue without the other's jobs.
    let lock = (!handover.dry_run)
        .then(|| alone(&plan.output_dir, PATIENCE))
        .transpose()?;
    let queue = Queue::ask(plan, environment);
    // What is not known to be in the queue would be handed over a second time.
    if !queue.notes.is_empty() && !handover.dry_run {
        return Err(SubmitError::QueueUnknown(queue.notes.join("\n")));
    }
    let chosen = choose(plan, inspected.previews, &queue, reporter);
    let program = environment.program().ok_or(RecordError::NoProgram)?;
    let site = sizing::site(&plan.slurm);
    if !handover.dry_run {
        send_missing_collectors(plan, &site, environment, &queue)?;
    }
    if chosen.is_empty() {
        drop(lock);
        return nothing_to_submit(plan, &queue, handover.dry_run, environment, reporter);
    }
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
    record.arrays = arrays(plan, &chosen, inspected);
    let submission = Submission::new(&plan.output_dir, record);
    if handover.dry_run {
        let scripts = Scripts {
            submission: &submission,
            site: &site,
            settings: &plan.slurm,
            program,
        };
        return Ok(Submitted::Scripts(all_scripts(&submission, &scripts)?));
    }
    submission.begin(handover.batch, &tasks)?;
    let mut sender = Sender {
        submission,
        tasks,
        site,
        settings: plan.slurm.clone(),
        program: program.to_owned(),
        client: slurm(&plan.slurm, environment),
    };
    sender.send(interrupt)?;
    Ok(Submitted::Jobs(SubmissionSummary::written_down(
        &sender.submission,
        plan,
    )))
}

/// A submission that was killed before its last step has jobs, and none that collects what they leave.
fn send_missing_collectors(
    plan: &Plan,
    site: &Site,
    environment: &Environment,
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
            program: environment
                .program()
                .ok_or(RecordError::NoProgram)?
                .to_owned(),
            client: slurm(&plan.slurm, environment),
        };
        sender.send_collector(&after)?;
    }
    Ok(())
}

/// The tasks to be submitted, by their index in the plan.
fn choose(
    plan: &Plan,
    previews: &[Preview],
    queue: &Queue,
    reporter: &mut dyn Reporter,
) -> Vec<usize> {
    let mut chosen = Vec::new();
    for (index, (task, preview)) in plan.tasks.iter().zip(previews).enumerate() {
        if let Some(there) = queue.of(task) {
            let (name, state) = (task_name(task), there.text());
            let unheard = if task.force || task.from_stage > Stage::Pad {
                "; nothing is done again in it, `e2m cancel` it first for that"
            } else {
                ""
            };
            let text = format!("{name} is left to job {}, {state}{unheard}", there.job);
            reporter.on_event(&BatchEvent::Note { text: &text });
            continue;
        }
        match preview {
            Ok(preview) if preview.is_finished() => continue,
            Ok(_) => {}
            Err(error) => {
                let text = format!("{}: {error}; its job will fail", task_name(task));
                reporter.on_event(&BatchEvent::Warning { text: &text });
            }
        }
        chosen.push(index);
    }
    chosen
}

fn nothing_to_submit(
    plan: &Plan,
    queue: &Queue,
    dry_run: bool,
    environment: &Environment,
    reporter: &mut dyn Reporter,
) -> Result<Submitted, SubmitError> {
    let mut note = |text| reporter.on_event(&BatchEvent::Note { text });
    if !queue.is_empty() {
        note("Nothing to submit: everything is finished or in the queue.");
        return Ok(Submitted::NothingLeft);
    }
    if dry_run {
        note("Nothing to submit: everything is finished.");
        return Ok(Submitted::Finished(None));
    }
    note("Nothing to submit: everything is finished. The result is written anew.");
    let collected = collect(plan, environment, reporter).map_err(SubmitError::Collect)?;
    Ok(Submitted::Finished(Some(collected)))
}

fn arrays(plan: &Plan, chosen: &[usize], inspected: &Inspected<'_>) -> Vec<ArrayRecord> {
    let Inspected {
        previews,
        admission,
        cpus,
    } = *inspected;
    let demand =
        |index: &usize| sizing::demand(plan, &admission.needs()[*index], &previews[*index], cpus);
    let demands: Vec<Demand> = chosen.iter().map(demand).collect();
    let file_bytes = |index: &usize| sizing::file_bytes(&previews[*index]);
    let file_bytes: Vec<u64> = chosen.iter().map(file_bytes).collect();
    let max_running = plan.slurm.max_running.map(|max| max.0 as usize);
    let groups = groups(&demands, max_running);
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

/// Every script with its path, that of the job that collects last.
fn all_scripts(
    submission: &Submission,
    scripts: &Scripts<'_>,
) -> Result<Vec<(PathBuf, String)>, SubmitError> {
    let mut all = Vec::new();
    for array in &submission.record.arrays {
        all.push(scripts.array(array)?);
    }
    all.push(scripts.collector()?);
    Ok(all)
}
