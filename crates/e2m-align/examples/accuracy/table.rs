//! Markdown tables of measured pairs.

use crate::measure::{Figures, Measured};
use e2m_align::{AlignError, Verdict};
use std::cmp::Ordering;
use std::fmt::Write as _;

/// A table whose columns are aligned in the text as well.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self {
            rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()],
        }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The first column to the left, figures to the right.
    pub(crate) fn markdown(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|i| {
                let cells = self.rows.iter().filter_map(|row| row.get(i));
                cells
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
                    .max(3)
            })
            .collect();
        let mut text = String::new();
        for (n, row) in self.rows.iter().enumerate() {
            for (i, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let _ = if i == 0 {
                    write!(text, "| {cell:<width$} |")
                } else {
                    write!(text, " {cell:>width$} |")
                };
            }
            text.push('\n');
            if n == 0 {
                for (i, width) in widths.iter().enumerate() {
                    let dashes = "-".repeat(width + 1);
                    text.push_str(&if i == 0 {
                        format!("|{dashes}-|")
                    } else {
                        format!("{dashes}:|")
                    });
                }
                text.push('\n');
            }
        }
        text
    }
}

/// The columns of aligned pairs.
const HEAD: [&str; 10] = [
    "pair", "error", "max", "coarse", "by", "residual", "p90", "defocus", "verdict", "s",
];

/// One row per pair: of its worlds the one with the largest error.
pub(crate) fn of_aligned(pairs: &[Vec<Measured>]) -> String {
    let mut table = Table::new(&HEAD);
    for pair in pairs.iter().filter_map(|worlds| worst(worlds)) {
        table.push(aligned_row(pair));
    }
    table.markdown()
}

fn aligned_row(pair: &Measured) -> Vec<String> {
    let Ok(figures) = &pair.outcome else {
        return [pair.name.clone(), "none".to_owned()]
            .into_iter()
            .chain(std::iter::repeat_n(String::new(), HEAD.len() - 4))
            .chain([outcome(pair), format!("{:.1}", pair.seconds)])
            .collect();
    };
    let of_residual = |px: fn(&e2m_align::ResidualSummary) -> f64| {
        figures
            .residual
            .as_ref()
            .map_or_else(|| "-".to_owned(), |residual| format!("{:.3}", px(residual)))
    };
    vec![
        pair.name.clone(),
        format!("{:.4}", figures.error.mean_px),
        format!("{:.3}", figures.error.max_px),
        format!("{:.2}", figures.coarse_error.mean_px),
        figures.method.to_string(),
        of_residual(|r| r.median_px),
        of_residual(|r| r.p90_px),
        format!("{:.1}", figures.defocus_px + 0.0),
        outcome(pair),
        format!("{:.1}", pair.seconds),
    ]
}

/// One row per pair: residuals beside the truth.
pub(crate) fn of_deformed(pairs: &[Vec<Measured>]) -> String {
    let mut table = Table::new(&[
        "pair", "error", "max", "residual", "true", "p90", "true", "verdict", "s",
    ]);
    for pair in pairs.iter().filter_map(|worlds| worst(worlds)) {
        let mut row = vec![pair.name.clone()];
        if let Ok(Figures {
            error,
            residual: Some(found),
            true_residual: Some(truth),
            ..
        }) = &pair.outcome
        {
            row.extend([error.mean_px, error.max_px].map(|px| format!("{px:.3}")));
            row.extend(
                [found.median_px, truth.median_px, found.p90_px, truth.p90_px]
                    .map(|px| format!("{px:.2}")),
            );
        } else {
            row.extend(std::iter::repeat_n("-".to_owned(), 6));
        }
        row.extend([outcome(pair), format!("{:.1}", pair.seconds)]);
        table.push(row);
    }
    table.markdown()
}

/// One row per pair: what all methods and what the outline alone make of it, of all worlds what is nearest to a pass.
pub(crate) fn of_foreign(all: &[Vec<Measured>], outline: &[Vec<Measured>]) -> String {
    let mut table = Table::new(&["pair", "all methods", "outline alone"]);
    for (all, outline) in all.iter().zip(outline) {
        if let (Some(default), Some(alone)) = (trusted_most(all), trusted_most(outline)) {
            table.push(vec![default.name.clone(), outcome(default), outcome(alone)]);
        }
    }
    table.markdown()
}

/// Mean errors and verdicts over all pairs and worlds, as a sentence.
pub(crate) fn summary(pairs: &[Vec<Measured>]) -> String {
    let mut errors: Vec<(f64, &str)> = pairs
        .iter()
        .flatten()
        .filter_map(|pair| {
            Some((
                pair.outcome.as_ref().ok()?.error.mean_px,
                pair.name.as_str(),
            ))
        })
        .collect();
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(middle), Some(last)) = (errors.get(errors.len() / 2), errors.last()) else {
        return verdicts(pairs);
    };
    format!(
        "{} Mean error: {:.4} px in the median, {:.4} px at worst ({}).",
        verdicts(pairs),
        middle.0,
        last.0,
        last.1
    )
}

/// How many pairs came to which verdict, as a sentence.
pub(crate) fn verdicts(pairs: &[Vec<Measured>]) -> String {
    let count = |rank: u8| pairs.iter().flatten().filter(|p| trust(p) == rank).count();
    let all = pairs.iter().flatten().count();
    let mut text = format!("{all} pairs:");
    let names = ["pass", "suspect", "fail", "refused"];
    for (name, rank) in names.iter().zip([3, 2, 1, 0]) {
        let _ = write!(text, " {} {name},", count(rank));
    }
    text.pop();
    text.push('.');
    text
}

/// Of several worlds, the one with the largest error; one without an alignment is worse than any.
fn worst(worlds: &[Measured]) -> Option<&Measured> {
    let error = |pair: &Measured| {
        let figures = pair.outcome.as_ref().ok();
        figures.map_or(f64::INFINITY, |figures| figures.error.mean_px)
    };
    worlds
        .iter()
        .max_by(|a, b| error(a).partial_cmp(&error(b)).unwrap_or(Ordering::Equal))
}

fn trusted_most(worlds: &[Measured]) -> Option<&Measured> {
    worlds.iter().max_by_key(|pair| trust(pair))
}

/// From 0, refused, to 3, passed.
fn trust(pair: &Measured) -> u8 {
    match &pair.outcome {
        Err(_) => 0,
        Ok(figures) => match figures.verdict {
            Verdict::Fail => 1,
            Verdict::Suspect => 2,
            Verdict::Pass => 3,
        },
    }
}

fn outcome(pair: &Measured) -> String {
    match &pair.outcome {
        Ok(figures) => match figures.verdict {
            Verdict::Pass => "pass",
            Verdict::Suspect => "suspect",
            Verdict::Fail => "fail",
        },
        Err(AlignError::Mirrored { .. }) => "refused: mirrored",
        Err(AlignError::Blank { .. }) => "refused: blank",
        Err(AlignError::Clipped { .. }) => "refused: clipped",
        Err(_) => "refused",
    }
    .to_owned()
}
