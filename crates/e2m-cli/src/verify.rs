//! `e2m verify`: what was found, for people.

use crate::exit::Exit;
use crate::signals;
use crate::table::Table;
use crate::terminal::{Reading, Terminal};
use e2m_batch::verify::{
    FileCount, ReadProgress, VerifiedBatch, VerifiedTask, VerifyEnding, VerifySubject, document,
    remedy, verify,
};
use e2m_batch::{Environment, Interrupt, human, missing_reason};
use e2m_pipeline::{FileKind, Finding, RecordedTask, Severity};
use std::path::Path;
use std::sync::OnceLock;

/// Verifies every task and says what was found.
pub(crate) fn run(
    subject: &VerifySubject,
    as_json: bool,
    environment: &Environment,
    terminal: &Terminal,
) -> Exit {
    let interrupt = Interrupt::default();
    signals::listen(&interrupt, terminal);
    let reading: OnceLock<Reading> = OnceLock::new();
    let progress = |progress: ReadProgress| {
        let reading = reading.get_or_init(|| terminal.reading(progress.of_bytes));
        reading.add(progress.more_bytes);
    };
    let outcome = verify(subject, environment, &interrupt, &progress);
    drop(reading);
    if as_json {
        terminal.result(&document(subject, &outcome));
    } else {
        show(subject, &outcome, terminal);
    }
    match outcome.ending(subject) {
        VerifyEnding::Right => Exit::Complete,
        VerifyEnding::Problems => Exit::TaskFailed,
        VerifyEnding::RawFilesMissing => Exit::RawFiles,
        VerifyEnding::Interrupted => Exit::Interrupted,
    }
}

/// Prints a row per task, then every problem, then remarks and the sum.
fn show(subject: &VerifySubject, outcome: &VerifiedBatch, terminal: &Terminal) {
    for warning in &subject.warnings {
        terminal.warn(warning);
    }
    terminal.summary(&table(subject, outcome).to_string());
    let problems = problems(subject, outcome);
    if !problems.is_empty() {
        terminal.result(&format!(
            "\nPROBLEMS ({})\n{}",
            problems.len(),
            problems.join("\n")
        ));
    }
    let remarks = remarks(subject, outcome);
    if !remarks.is_empty() {
        terminal.summary(&format!(
            "\nREMARKS ({})\n{}",
            remarks.len(),
            remarks.join("\n")
        ));
    }
    terminal.summary(&format!(
        "\n{}",
        last_words(subject, outcome, problems.len())
    ));
}

fn table(subject: &VerifySubject, outcome: &VerifiedBatch) -> Table {
    let mut table = Table::new(&[
        "task",
        "records",
        "checkpoints",
        "raw files",
        "pictures",
        "read",
        "result",
    ]);
    for (task, outcome) in subject.tasks.iter().zip(&outcome.tasks) {
        table.row(row(task, outcome));
    }
    for missing in &subject.missing {
        let dye = missing.dye.as_deref().unwrap_or("*");
        let mut cells = vec![String::new(); 5];
        cells.insert(0, format!("{}/{dye}", missing.sample));
        cells.push("raw images missing, nothing on record".to_owned());
        table.row(cells);
    }
    table
}

fn row(task: &RecordedTask, outcome: &VerifiedTask) -> [String; 7] {
    let counts = [outcome.checkpoints, outcome.raw, outcome.pictures].map(counted);
    let [checkpoints, raw, pictures] = counts;
    let records = match outcome.records {
        Ok(0) | Err(_) => String::new(),
        Ok(records) => records.to_string(),
    };
    let read = match outcome.bytes_read {
        0 => String::new(),
        bytes => human::bytes(bytes),
    };
    [
        name(task),
        records,
        checkpoints,
        raw,
        pictures,
        read,
        outcome.result(),
    ]
}

/// `9`, `8 of 9`, or nothing where there are none.
fn counted(count: FileCount) -> String {
    match count {
        FileCount { on_record: 0, .. } => String::new(),
        FileCount { on_record, right } if on_record == right => right.to_string(),
        FileCount { on_record, right } => format!("{right} of {on_record}"),
    }
}

fn problems(subject: &VerifySubject, outcome: &VerifiedBatch) -> Vec<String> {
    let mut problems = Vec::new();
    for (task, outcome) in subject.tasks.iter().zip(&outcome.tasks) {
        for finding in outcome.problems() {
            let what = entry(task, finding);
            let to_do = remedy(finding, task, &subject.batch).unwrap_or_default();
            problems.push(format!("{what}\n    what to do: {to_do}"));
        }
    }
    if subject.strict {
        let missing = subject.missing.iter().map(|missing| {
            let dye = missing.dye.as_deref().unwrap_or("*");
            format!(
                "  {}/{dye}: raw images\n    missing: {}\n    what to do: add or rename the file; nothing is on record of this task",
                missing.sample,
                missing_reason(missing)
            )
        });
        problems.extend(missing);
    }
    problems
}

fn remarks(subject: &VerifySubject, outcome: &VerifiedBatch) -> Vec<String> {
    let tasks = subject.tasks.iter().zip(&outcome.tasks);
    tasks
        .flat_map(|(task, outcome)| outcome.remarks().map(|finding| entry(task, finding)))
        .collect()
}

/// Task, file and what about it.
fn entry(task: &RecordedTask, finding: &Finding) -> String {
    let what = match finding.kind {
        FileKind::Record => "record ",
        FileKind::Raw => "raw image ",
        FileKind::Checkpoint => "checkpoint ",
        FileKind::Picture => "picture ",
        FileKind::Table => "table ",
        FileKind::Export => "export ",
        FileKind::Other => "",
    };
    let severity = match finding.fault.severity() {
        Severity::Remark => String::new(),
        severity => format!("{}: ", severity.word()),
    };
    format!(
        "  {}: {what}{}\n    {severity}{}",
        name(task),
        shown(&finding.path),
        finding.fault
    )
}

fn last_words(subject: &VerifySubject, outcome: &VerifiedBatch, problems: usize) -> String {
    let tasks = &outcome.tasks;
    let right = tasks
        .iter()
        .filter(|task| task.is_right() && !task.has_not_run());
    let new = tasks.iter().filter(|task| task.has_not_run()).count();
    let files: usize = tasks.iter().map(|task| task.files_read).sum();
    let bytes: u64 = tasks.iter().map(|task| task.bytes_read).sum();
    let left: usize = tasks.iter().map(|task| task.not_read).sum();
    let mut words = vec![format!("{} all right", human::count(right.count(), "task"))];
    if problems > 0 {
        words.push(human::count(problems, "problem"));
    }
    if new > 0 {
        words.push(format!("{new} not run yet"));
    }
    if !subject.missing.is_empty() {
        words.push(format!("{} without raw images", subject.missing.len()));
    }
    let read = format!(
        "{} of {} read in {}",
        human::count(files, "file"),
        human::bytes(bytes),
        human::seconds(outcome.seconds)
    );
    let stopped = match left {
        0 => String::new(),
        left => format!("; stopped, {} not read", human::count(left, "file")),
    };
    format!("{}; {read}{stopped}", words.join(", "))
}

fn name(task: &RecordedTask) -> String {
    format!("{}/{}", task.sample, task.dye)
}

/// A path without the `./` of a batch file in the current folder.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
