//! How many tasks ended how.

use super::BatchReport;
use super::results::TaskEnding;

/// `3 complete, 1 suspect`.
pub fn tally(report: &BatchReport<'_>) -> String {
    let counts = [
        (report.count(TaskEnding::Complete), "complete"),
        (report.count(TaskEnding::Suspect), "suspect"),
        (report.count(TaskEnding::Failed), "failed"),
        (report.count(TaskEnding::Interrupted), "interrupted"),
        (report.count(TaskEnding::NotBegun), "not begun"),
        (report.count(TaskEnding::Queued), "in the queue"),
        (report.missing().count(), "left out"),
    ];
    let words = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"));
    words.collect::<Vec<_>>().join(", ")
}
