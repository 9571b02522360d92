//! `e2m export`: images of finished tasks as OME-TIFF, and what was written, for people. Its arguments are in `export_args`.

use crate::exit::Exit;
use crate::signals;
use crate::terminal::{Reading, Terminal};
use e2m_batch::export::{
    ExportEnding, ExportProgress, ExportSubject, ExportedBatch, ExportedTask, export,
};
use e2m_batch::{Environment, Interrupt, human, missing_reason};
use e2m_pipeline::Status;
use std::path::Path;

/// Exports every task and says what was written.
pub(crate) fn run(subject: &ExportSubject, environment: &Environment, terminal: &Terminal) -> Exit {
    for warning in &subject.warnings {
        terminal.warn(warning);
    }
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    let mut reading: Option<Reading> = None;
    let mut progress = |progress: ExportProgress<'_>| match progress {
        ExportProgress::Read {
            more_bytes,
            of_bytes,
        } => {
            let reading = reading.get_or_insert_with(|| terminal.reading(of_bytes));
            reading.add(more_bytes);
        }
        ExportProgress::Done(task) => show_task(task, terminal),
    };
    let outcome = export(subject, environment, &interrupt, &mut progress);
    drop(reading);
    let ending = outcome.ending(subject);
    for missing in &subject.missing {
        let dye = missing.dye.as_deref().unwrap_or("*");
        let why = missing_reason(missing);
        terminal.problem(&format!(
            "{}/{dye}: raw images missing: {why}",
            missing.sample
        ));
    }
    terminal.summary(&last_words(subject, &outcome));
    match ending {
        ExportEnding::Batch(ending) => ending.into(),
        ExportEnding::RawFilesMissing => Exit::RawFiles,
    }
}

/// One line for the file, then what there is to know of it.
fn show_task(task: &ExportedTask, terminal: &Terminal) {
    let name = &task.name;
    match &task.result {
        Ok(file) => {
            let channels: Vec<&str> = file.images.iter().map(|image| image.name()).collect();
            let what = if file.was_there {
                "up to date"
            } else {
                "wrote"
            };
            terminal.summary(&format!(
                "{name}: {what} {} ({}; {})",
                shown(&file.path),
                human::bytes(file.bytes),
                channels.join(", ")
            ));
        }
        Err(why) => terminal.problem(&format!("{name}: not exported: {why}")),
    }
    match &task.status {
        None | Some(Status::Complete) => {}
        Some(status) => terminal.problem(&format!("{name}: {status}")),
    }
    for note in &task.notes {
        terminal.say(&format!("{name}: note: {note}"));
    }
}

fn last_words(subject: &ExportSubject, outcome: &ExportedBatch) -> String {
    let tasks = outcome.tasks.iter();
    let files = tasks.clone().filter_map(|task| task.result.as_ref().ok());
    let (old, new): (Vec<_>, Vec<_>) = files.partition(|file| file.was_there);
    let bytes: u64 = new.iter().map(|file| file.bytes).sum();
    let mut words = vec![format!(
        "{} of {} written in {}",
        human::count(new.len(), "file"),
        human::bytes(bytes),
        human::seconds(outcome.seconds)
    )];
    let lacking = tasks.clone().filter(|task| task.result.is_err()).count();
    let suspect = |task: &&ExportedTask| matches!(task.status, Some(Status::Suspect(_)));
    let failed = |task: &&ExportedTask| task.result.is_ok() && task.has_failed();
    for (count, what) in [
        (old.len(), "up to date"),
        (lacking, "not exported"),
        (tasks.clone().filter(failed).count(), "of tasks that failed"),
        (tasks.filter(suspect).count(), "suspect"),
        (subject.missing.len(), "without raw images"),
    ] {
        if count > 0 {
            words.push(format!("{count} {what}"));
        }
    }
    words.join(", ")
}

/// A path without the `./` of a batch file in the current folder.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
