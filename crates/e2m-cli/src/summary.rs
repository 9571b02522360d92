//! The summary at the end of a batch.

use super::results::{CSV_NAME, Ending, TaskResult};
use super::{BatchReport, log, page};
use crate::human;
use crate::table::Table;
use e2m_pipeline::Verdict;

/// One row per task.
pub(super) fn table(report: &BatchReport<'_>) -> Table {
    let mut table = Table::new(&[
        "task",
        "status",
        "verdict",
        "residual",
        "scale",
        "time",
        "peak memory",
    ]);
    for result in &report.results {
        table.row(row(result));
    }
    for missing in &report.plan.missing {
        let dye = missing.dye.as_deref().unwrap_or("*");
        table.row([format!("{}/{dye}", missing.sample), "left out".to_owned()]);
    }
    table
}

fn row(result: &TaskResult) -> [String; 7] {
    let status = match result.ending() {
        Ending::Complete => "complete",
        Ending::Suspect => "suspect",
        Ending::Failed => "failed",
        Ending::Interrupted => "interrupted",
        Ending::NotBegun => "not begun",
        Ending::Queued => "in the queue",
    };
    let verdict = result.verdict.map_or("", |verdict| match verdict {
        Verdict::Pass => "pass",
        Verdict::Suspect => "suspect",
        Verdict::Fail => "fail",
    });
    let begun = !matches!(result.ending(), Ending::NotBegun | Ending::Queued);
    let time = if result.worked() {
        human::seconds(result.seconds)
    } else {
        "was there".into()
    };
    let memory = result.peak_rss_bytes.map_or_else(String::new, human::bytes);
    [
        result.name(),
        status.into(),
        verdict.into(),
        result
            .residual_median_px
            .map_or_else(String::new, |px| format!("{px:.3} px")),
        scale(result),
        if begun { time } else { String::new() },
        memory,
    ]
}

fn scale(result: &TaskResult) -> String {
    match (result.scale, result.scale_std_error) {
        (Some(value), Some(error)) => format!("{value:.4} ± {error:.4}"),
        (Some(value), None) => format!("{value:.4}"),
        (None, _) => String::new(),
    }
}

/// How it ended in all, and where the results are, if they could be written.
pub(super) fn last_words(report: &BatchReport<'_>, all_written: bool) -> String {
    let folder = report.plan.output_dir.display();
    let ended = format!("{} in {}.", tally(report), human::seconds(report.seconds));
    if !all_written {
        return format!("{ended}\nNot everything could be written to {folder}, see below.");
    }
    format!(
        "{ended}\nResults are in {folder}: one folder per task, the pictures in {}, the table in {CSV_NAME}, the log in {}.",
        page::NAME,
        log::NAME
    )
}

/// `3 complete, 1 suspect`.
pub(crate) fn tally(report: &BatchReport<'_>) -> String {
    let counts = [
        (report.count(Ending::Complete), "complete"),
        (report.count(Ending::Suspect), "suspect"),
        (report.count(Ending::Failed), "failed"),
        (report.count(Ending::Interrupted), "interrupted"),
        (report.count(Ending::NotBegun), "not begun"),
        (report.count(Ending::Queued), "in the queue"),
        (report.plan.missing.len(), "left out"),
    ];
    let told = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"));
    told.collect::<Vec<_>>().join(", ")
}
