//! A batch on a SLURM cluster: what its commands say, and how they end.

use crate::admission;
use crate::args::{SlurmCollectArgs, SlurmTaskArgs, TalkArgs};
use crate::environment::environment;
use crate::exit::Exit;
use crate::logging;
use crate::reporter::{ListenOnceAdmitted, Opening, TerminalReporter};
use crate::signals;
use crate::terminal::Terminal;
use e2m_batch::cluster::{
    self, ArrayJob, Cancelled, Collected, Handover, SubmissionSummary, SubmitError, Submitted,
};
use e2m_batch::human::count;
use e2m_batch::{BatchFile, Environment, Interrupt, Plan, Reporters, TaskSelection};
use e2m_schedule::slurm::WARNED_VARIABLE;
use std::path::PathBuf;

/// `e2m submit`: submits what is neither finished nor in the queue.
pub(crate) fn submit(
    handover: &Handover<'_>,
    environment: &Environment,
    terminal: &Terminal,
) -> Exit {
    let interrupt = Interrupt::default();
    let words = "interrupted; what was submitted is taken back";
    let mut signals = ListenOnceAdmitted::new(|| {
        signals::listen_saying(&interrupt, terminal, words);
    });
    let mut shown = TerminalReporter::new(terminal, Opening::Cluster);
    let mut reporters = Reporters::new().with(&mut signals).with(&mut shown);
    match cluster::submit(handover, environment, &interrupt, &mut reporters) {
        Ok(Submitted::Jobs(summary)) => show_jobs(&summary, terminal),
        Ok(Submitted::Scripts(scripts)) => show_scripts(&scripts, terminal),
        Ok(Submitted::Finished(Some(collected))) => return exit_of(collected),
        Ok(_) => {}
        Err(SubmitError::Refused(refused)) => {
            admission::show_fit(&refused, terminal);
            return Exit::Refused;
        }
        Err(error) => {
            terminal.error(&error.to_string());
            return exit_of_error(&error);
        }
    }
    Exit::Complete
}

fn exit_of_error(error: &SubmitError) -> Exit {
    match error {
        SubmitError::Interrupted => Exit::Interrupted,
        // Collecting takes the place of submitting where nothing is left to be done.
        SubmitError::Collect(_) => Exit::TaskFailed,
        SubmitError::NotTakenBack { error, .. } => exit_of_error(error),
        _ => Exit::BadInput,
    }
}

fn show_jobs(summary: &SubmissionSummary, terminal: &Terminal) {
    for line in summary.lines() {
        terminal.say(&line);
    }
    terminal.say(&format!(
        "Scripts and logs are in {}.\n`e2m status` with the same batch file tells how far it is, `e2m cancel` ends it.",
        summary.folder.display(),
    ));
}

fn show_scripts(scripts: &[(PathBuf, String)], terminal: &Terminal) {
    let shown = scripts
        .iter()
        .map(|(path, text)| format!("# ---- {}\n{text}", path.display()));
    terminal.result(shown.collect::<Vec<_>>().join("\n").trim_end());
    terminal.say("\nNothing was submitted (--dry-run). The last script waits for the others.");
}

/// `e2m cancel`: cancels what waits or runs of a batch.
pub(crate) fn cancel(
    batch: &BatchFile,
    wanted: &TaskSelection,
    environment: &Environment,
    terminal: &Terminal,
) -> Exit {
    let mut reporter = TerminalReporter::new(terminal, Opening::Cluster);
    let cancelled = match cluster::cancel(batch, wanted, environment, &mut reporter) {
        Ok(cancelled) => cancelled,
        Err(error) => {
            terminal.error(&error.to_string());
            return Exit::TaskFailed;
        }
    };
    if !cancelled.known {
        terminal.error(
            "none of the tasks that were submitted has these names; `e2m status` lists them",
        );
        return Exit::BadInput;
    }
    terminal.summary(&cancelled_text(&cancelled));
    Exit::Complete
}

fn cancelled_text(cancelled: &Cancelled) -> String {
    if cancelled.jobs == 0 {
        return "Nothing of it waits or runs.".to_owned();
    }
    let mut text = format!(
        "Cancelled {}. What is finished stays; `e2m submit` or `e2m` with the same batch file goes on from there.",
        count(cancelled.jobs, "job")
    );
    if !cancelled.reporting.is_empty() {
        let jobs: Vec<String> = cancelled.reporting.iter().map(u64::to_string).collect();
        let (plural, verb) = if jobs.len() == 1 {
            ("", "writes")
        } else {
            ("s", "write")
        };
        text.push_str(&format!(
            "\nJob{plural} {} {verb} the report of what there is.",
            jobs.join(" and ")
        ));
    }
    text
}

/// `e2m collect`: writes the batch's result, table and report from what is on record of its tasks.
pub(crate) fn collect(plan: &Plan, environment: &Environment, terminal: &Terminal) -> Exit {
    let mut reporter = TerminalReporter::new(terminal, Opening::Cluster);
    match cluster::collect(plan, environment, &mut reporter) {
        Ok(collected) => exit_of(collected),
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}

fn exit_of(collected: Collected) -> Exit {
    collected.ending.into()
}

/// `e2m slurm-collect`: the job that comes after all others.
pub(crate) fn collect_submission(args: &SlurmCollectArgs) -> Exit {
    let talk = TalkArgs::default();
    let terminal = Terminal::plain(talk);
    logging::start(&terminal, talk);
    let mut reporter = TerminalReporter::new(&terminal, Opening::Cluster);
    match cluster::collect_submission(&args.folder, &environment(talk), &mut reporter) {
        // That tasks failed is in the report; the job itself has done what it is for.
        Ok(collected) if collected.all_written => Exit::Complete,
        Ok(_) => Exit::TaskFailed,
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}

/// `e2m slurm-task`: does the task of this job, and leaves a report.
pub(crate) fn run_job(args: &SlurmTaskArgs) -> Exit {
    let talk = TalkArgs::default();
    let terminal = Terminal::plain(talk);
    logging::start(&terminal, talk);
    // First of all: unheard, the warning would end the process.
    let interrupt = Interrupt::default();
    let warning = signals::listen_in_job(&interrupt, &terminal);
    let environment = environment(talk);
    if environment.get(WARNED_VARIABLE).is_some() {
        warning.raise();
        interrupt.raise();
        terminal.say("SLURM warned during the setup that the time of this job is nearly up");
    }
    let mut reporter = TerminalReporter::new(&terminal, Opening::SingleTask);
    let job = match ArrayJob::read(&args.list, &environment) {
        Ok(job) => job,
        Err(error) => {
            terminal.error(&error.to_string());
            return Exit::BadInput;
        }
    };
    match job.run(&interrupt, &warning, &mut reporter) {
        Ok(ending) => ending.into(),
        Err(error) => {
            terminal.error(&error.to_string());
            Exit::TaskFailed
        }
    }
}
