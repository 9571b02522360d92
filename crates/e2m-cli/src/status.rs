//! `e2m status`: what is there of each task, and what a run would do.

use crate::exit::Exit;
use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::cluster::Whereabouts;
use e2m_batch::{BatchStatus, Environment, Plan, Running, human, status, task_name};
use e2m_pipeline::{Stage, StagePreview, Status, TaskPreview};
use e2m_schedule::slurm::JobState;

/// Prints a row per task, and below it why stages would be done that were done before.
pub(crate) fn show(
    plan: &Plan,
    json: bool,
    environment: &Environment,
    terminal: &Terminal,
) -> Exit {
    let status = status(plan, environment);
    for note in &status.queue.notes {
        terminal.warn(note);
    }
    if json {
        terminal.result(&status.document().to_string());
    } else {
        show_table(&status, terminal);
    }
    match status.unreadable() {
        0 => Exit::Complete,
        _ => Exit::TaskFailed,
    }
}

fn show_table(status: &BatchStatus<'_>, terminal: &Terminal) {
    let queue = &status.queue;
    let on_cluster = status
        .tasks()
        .any(|(task, _)| queue.whereabouts(task, false).is_some());
    let numbers = Stage::ALL.map(|stage| stage.to_string());
    let mut columns = vec!["task", "status"];
    columns.extend(numbers.iter().map(String::as_str));
    columns.push("a run would");
    if on_cluster {
        columns.push("on the cluster");
    }
    let mut table = Table::new(&columns);
    let mut reasons = Vec::new();
    let mut bytes = 0;
    let mut counts = Counts::default();
    for (index, (task, preview)) in status.tasks().enumerate() {
        let name = task_name(task);
        let now = status.running(index);
        let there = status.whereabouts(task, preview);
        match preview {
            Ok(preview) => {
                bytes += preview.disk_bytes;
                counts.add(preview, there.map(|there| &there.state), now.is_some());
                // A run that goes on makes good what the last one left.
                let is_waited_for = there.is_some() || now.is_some();
                reasons.extend(reason(&name, preview).filter(|_| !is_waited_for));
                reasons.extend(remarks(&name, preview));
                let cell = on_cluster.then(|| there.map(Whereabouts::cell).unwrap_or_default());
                table.row(row(name, preview, now).into_iter().chain(cell));
            }
            Err(error) => {
                counts.unreadable += 1;
                reasons.push(format!("{name}: {error}"));
                let mut cells = vec![name, "cannot be read, see below".to_owned()];
                if let Some(there) = there {
                    cells.resize(columns.len() - 1, String::new());
                    cells.push(there.cell());
                }
                table.row(cells);
            }
        }
    }
    for missing in &status.plan.missing {
        let dye = missing.dye.as_deref().unwrap_or("*");
        table.row([format!("{}/{dye}", missing.sample), "images missing".into()]);
    }
    terminal.result(&table.to_string());
    if !reasons.is_empty() {
        terminal.result(&format!("\n{}", reasons.join("\n")));
    }
    let to_write = match bytes {
        0 => String::new(),
        bytes => format!("; a run would write {}", human::bytes(bytes)),
    };
    terminal.summary(&format!("\n{}{to_write}", counts.text()));
    if let Some(line) = queue.who_reports() {
        terminal.summary(&line);
    }
}

/// Tasks by what is there of them.
#[derive(Debug, Default)]
struct Counts {
    queued: usize,
    running: usize,
    finished: usize,
    failed: usize,
    begun: usize,
    new: usize,
    unreadable: usize,
}

impl Counts {
    fn add(&mut self, preview: &TaskPreview, on_cluster: Option<&JobState>, is_running: bool) {
        let there = preview.stages.contains(&StagePreview::There);
        let failed = matches!(preview.earlier, Some(Status::Error(_)));
        *match (on_cluster, preview.is_finished()) {
            _ if is_running => &mut self.running,
            (Some(JobState::Running { .. } | JobState::Ending { .. }), _) => &mut self.running,
            (Some(JobState::Ended { .. }), _) => &mut self.failed,
            (Some(_), _) => &mut self.queued,
            (None, true) => &mut self.finished,
            (None, false) if failed => &mut self.failed,
            (None, false) if there => &mut self.begun,
            (None, false) => &mut self.new,
        } += 1;
    }

    fn text(&self) -> String {
        let all = [
            (self.queued, "queued"),
            (self.running, "running"),
            (self.finished, "finished"),
            (self.failed, "failed"),
            (self.begun, "begun"),
            (self.new, "to do"),
            (self.unreadable, "not readable"),
        ];
        let words: Vec<String> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        words.join(", ")
    }
}

fn row(name: String, preview: &TaskPreview, now: Option<&Running>) -> Vec<String> {
    let stage = |index: usize| match preview.stages.get(index) {
        Some(StagePreview::There) => "there",
        Some(StagePreview::New) => "to do",
        Some(StagePreview::Again(_)) => "again",
        None => "",
    };
    let status = match (&preview.finished, &preview.earlier) {
        (Some(status), _) => short(status),
        // What that run was asked for was there once.
        (None, Some(Status::Complete | Status::Suspect(_))) => "in part",
        (None, Some(status)) => short(status),
        (None, None) => "",
    };
    let to_do: Vec<String> = preview.to_do().iter().map(Stage::to_string).collect();
    let would = match (&preview.finished, to_do.len()) {
        (Some(_), _) if preview.touched => "compare what was touched".to_owned(),
        (Some(_), _) => "do nothing".to_owned(),
        (None, 0) => "draw missing pictures or finish the record".to_owned(),
        (None, 1) => format!("do stage {}", to_do[0]),
        (None, _) => format!("do stages {}", to_do.join(", ")),
    };
    let (status, would) = match now {
        Some(now) => ("running", doing(now)),
        None => (status, would),
    };
    let stages = (0..Stage::ALL.len()).map(|index| stage(index).to_owned());
    let before = [name, status.to_owned()];
    before.into_iter().chain(stages).chain([would]).collect()
}

/// What a task does that somebody works on: `is in stage 3 since 17:04:59`.
fn doing(now: &Running) -> String {
    // 2026-01-02T17:04:59.123+01:00
    let time = now.since.as_deref().and_then(|since| since.get(11..19));
    let since = time.map_or_else(String::new, |time| format!(" since {time}"));
    match now.stage {
        Some(stage) => format!("wait: it is in stage {stage}{since}"),
        None => format!("wait: it is worked on{since}"),
    }
}

fn short(status: &Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Suspect(_) => "suspect",
        Status::Error(_) => "failed",
        Status::Incomplete(_) => "incomplete",
    }
}

/// Why a task is suspect, and what else there is to know about its results.
fn remarks(name: &str, preview: &TaskPreview) -> Vec<String> {
    let standing = preview.finished.as_ref().or(preview.earlier.as_ref());
    let suspect = standing.filter(|status| matches!(status, Status::Suspect(_)));
    let notes = preview.notes.iter().map(|note| format!("note: {note}"));
    let remarks = suspect.map(ToString::to_string).into_iter().chain(notes);
    remarks.map(|text| format!("{name}: {text}")).collect()
}

/// Why stages of a task would be done that were done before.
fn reason(name: &str, preview: &TaskPreview) -> Option<String> {
    let again =
        Stage::ALL
            .into_iter()
            .zip(&preview.stages)
            .find_map(|(number, stage)| match stage {
                StagePreview::Again(why) => Some(format!("{name}: stage {number}: {why}")),
                _ => None,
            });
    let failed = match &preview.earlier {
        Some(Status::Error(why)) => Some(format!("{name}: the last run ended in an error: {why}")),
        _ => None,
    };
    let touched = preview.touched.then(|| {
        format!("{name}: a raw file or a checkpoint was touched since: a run reads it, and if its content is another, redoes what rests on it")
    });
    let reasons: Vec<String> = again.into_iter().chain(touched).chain(failed).collect();
    (!reasons.is_empty()).then(|| reasons.join("\n"))
}
