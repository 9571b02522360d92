//! The summary at the end of a batch.

use crate::table::Table;
use crate::terminal::Terminal;
use e2m_batch::human;
use e2m_batch::logs::RUN_LOG_NAME;
use e2m_batch::report::{
    BatchReport, PAGE_NAME, TABLE_NAME, TaskEnding, TaskProblem, TaskResult, Unwritten, problems,
    tally,
};
use e2m_pipeline::Verdict;

/// Prints the summary, then what is wrong, then where everything is, then what could not be written.
pub(crate) fn show(report: &BatchReport<'_>, unwritten: &[Unwritten], terminal: &Terminal) {
    terminal.summary(&format!("\n{}", table(report)));
    let problems = problems(report);
    if !problems.is_empty() {
        terminal.problem(&format!("\n{}", problems_text(&problems)));
    }
    let words = last_words(report, unwritten.is_empty());
    terminal.summary(&format!("\n{words}"));
    let besides = report.trouble_besides();
    if !besides.is_empty() {
        terminal.problem(&format!(
            "Of the tasks that this run was not asked for: {besides}; {PAGE_NAME} tells."
        ));
    }
    for file in unwritten {
        terminal.warn(&file.to_string());
    }
}

/// The PROBLEMS section.
fn problems_text(problems: &[TaskProblem]) -> String {
    let mut text = format!("PROBLEMS ({})", problems.len());
    for problem in problems {
        text.push_str(&format!(
            "\n  {}\n    {}\n    what to do: {}",
            problem.task, problem.what, problem.to_do
        ));
    }
    text
}

/// One row per task.
fn table(report: &BatchReport<'_>) -> Table {
    let mut table = Table::new(&[
        "task",
        "status",
        "verdict",
        "residual",
        "scale",
        "microbes",
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

fn row(result: &TaskResult) -> [String; 8] {
    let status = match result.ending() {
        TaskEnding::Complete => "complete",
        TaskEnding::Suspect => "suspect",
        TaskEnding::Failed => "failed",
        TaskEnding::Interrupted => "interrupted",
        TaskEnding::NotBegun => "not begun",
        TaskEnding::Queued => "in the queue",
    };
    let verdict = result.verdict.map_or("", |verdict| match verdict {
        Verdict::Pass => "pass",
        Verdict::Suspect => "suspect",
        Verdict::Fail => "fail",
    });
    let begun = !matches!(result.ending(), TaskEnding::NotBegun | TaskEnding::Queued);
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
        microbes(result),
        if begun { time } else { String::new() },
        memory,
    ]
}

fn scale(result: &TaskResult) -> String {
    let doubt = match result.scale_verdict {
        Some(Verdict::Suspect) => " suspect",
        Some(Verdict::Pass | Verdict::Fail) | None => "",
    };
    match (result.scale, result.scale_std_error) {
        (Some(value), Some(error)) => format!("{value:.4} ± {error:.4}{doubt}"),
        (Some(value), None) => format!("{value:.4}{doubt}"),
        (None, _) => String::new(),
    }
}

/// How many, and per mm^2 where the size of a pixel is known, per million pixels where not.
fn microbes(result: &TaskResult) -> String {
    let Some(number) = result.microbes else {
        return String::new();
    };
    let density = match (result.microbes_per_mm2, result.microbes_per_mpx) {
        (Some(density), _) => format!(" ({density:.1}/mm²)"),
        (None, Some(density)) => format!(" ({density:.1}/Mpx)"),
        (None, None) => String::new(),
    };
    let doubt = match result.microbes_suspect {
        Some(true) => " suspect",
        Some(false) | None => "",
    };
    format!("{number}{density}{doubt}")
}

/// How it ended in all, and where the results are, if they could be written.
fn last_words(report: &BatchReport<'_>, all_written: bool) -> String {
    let folder = report.plan.output_dir.display();
    let ended = format!("{} in {}.", tally(report), human::seconds(report.seconds));
    if !all_written {
        return format!("{ended}\nNot everything could be written to {folder}, see below.");
    }
    format!(
        "{ended}\nResults are in {folder}: one folder per task, the pictures in {PAGE_NAME}, the table in {TABLE_NAME}, the log in {RUN_LOG_NAME}."
    )
}
