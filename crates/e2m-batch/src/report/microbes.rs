//! `microbes.csv`: the microbes of each task, and what the blanks of the batch say about them.
//!
//! From the densities of the blanks of a dye follow their mean and the limit of detection, mean + 3 standard deviations (IUPAC;
//! Long & Winefordner 1983, doi:10.1021/ac00258a724). Of a single blank the standard deviation is that of its own density.
//! Densities are compared per mm^2 where the pixels of all are known, per million pixels where those of none are.

use super::BatchReport;
use super::results::{ResultsError, TaskResult};
use e2m_io::{composed, write_atomic};
use serde::Serialize;
use std::fs;
use std::io::ErrorKind;

/// Name of the table in output_dir.
pub(super) const NAME: &str = "microbes.csv";
/// Standard deviations from the mean of the blanks to the limit of detection.
const LIMIT_SIGMA: f64 = 3.0;
/// Standard deviations from one end of an interval of 95 % to the other.
const INTERVAL_SIGMA: f64 = 2.0 * 1.959_964;

/// One task.
#[derive(Debug, Serialize)]
struct Row<'r> {
    sample: &'r str,
    dye: &'r str,
    status: String,
    is_blank: bool,
    microbes: u64,
    section_mpx: Option<f64>,
    section_mm2: Option<f64>,
    per_mpx: Option<f64>,
    per_mpx_low: Option<f64>,
    per_mpx_high: Option<f64>,
    per_mm2: Option<f64>,
    per_mm2_low: Option<f64>,
    per_mm2_high: Option<f64>,
    expected_false: Option<f64>,
    flux_found_90: Option<f64>,
    median_area_px: Option<f64>,
    is_suspect: Option<bool>,
    /// Blanks that it was held against.
    blanks: usize,
    /// Unit of what follows.
    unit: Option<&'static str>,
    blank_mean: Option<f64>,
    limit_of_detection: Option<f64>,
    above_blanks: Option<f64>,
    is_above_limit: Option<bool>,
}

/// A density with its interval of 95 %, and its unit.
#[derive(Debug, Clone, Copy)]
struct Density {
    unit: &'static str,
    value: f64,
    interval: [f64; 2],
}

impl Density {
    fn of(result: &TaskResult) -> Option<Self> {
        if let (Some(value), Some(low), Some(high)) = (
            result.microbes_per_mm2,
            result.microbes_per_mm2_low,
            result.microbes_per_mm2_high,
        ) {
            return Some(Self {
                unit: "per mm2",
                value,
                interval: [low, high],
            });
        }
        Some(Self {
            unit: "per Mpx",
            value: result.microbes_per_mpx?,
            interval: [result.microbes_per_mpx_low?, result.microbes_per_mpx_high?],
        })
    }
}

/// What the blanks of a dye say.
#[derive(Debug, Clone, Copy, PartialEq)]
struct BlankLevel {
    unit: &'static str,
    number: usize,
    mean: f64,
    limit: f64,
}

impl BlankLevel {
    /// From the densities of blanks; `None` where there are none or their units differ.
    fn of(blanks: &[Density]) -> Option<Self> {
        let first = blanks.first()?;
        if blanks.iter().any(|blank| blank.unit != first.unit) {
            return None;
        }
        let number = blanks.len() as f64;
        let mean = blanks.iter().map(|blank| blank.value).sum::<f64>() / number;
        let sd = if blanks.len() > 1 {
            let squares = blanks.iter().map(|blank| (blank.value - mean).powi(2));
            (squares.sum::<f64>() / (number - 1.0)).sqrt()
        } else {
            (first.interval[1] - first.interval[0]) / INTERVAL_SIGMA
        };
        Some(Self {
            unit: first.unit,
            number: blanks.len(),
            mean,
            limit: mean + LIMIT_SIGMA * sd,
        })
    }
}

/// Writes the table, in one step; removes that of an earlier run where no task has looked for microbes.
pub(super) fn write(report: &BatchReport<'_>) -> Result<(), ResultsError> {
    let path = report.plan.output_dir.join(NAME);
    let searched = report.results.iter().filter(|r| r.microbes.is_some());
    let searched: Vec<&TaskResult> = searched.collect();
    if searched.is_empty() {
        return match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(ResultsError::Stale { path, source })
            }
            _ => Ok(()),
        };
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows(&searched, &report.plan.blanks) {
        writer.serialize(row)?;
    }
    let table = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    write_atomic(&path, &table)?;
    Ok(())
}

fn rows<'r>(results: &[&'r TaskResult], blanks: &[String]) -> Vec<Row<'r>> {
    let is_blank = |result: &TaskResult| {
        let mut names = blanks.iter();
        names.any(|name| composed(name) == composed(&result.sample))
    };
    let level = |dye: &str| {
        let of_dye = results.iter().filter(|r| r.dye == dye && is_blank(r));
        let densities: Vec<Density> = of_dye.filter_map(|r| Density::of(r)).collect();
        BlankLevel::of(&densities)
    };
    let row = |result: &&'r TaskResult| {
        let is_blank = is_blank(result);
        let density = Density::of(result).filter(|_| !is_blank);
        let both = density.zip(level(&result.dye));
        let both = both.filter(|(density, level)| density.unit == level.unit);
        let level = both.map(|(_, level)| level);
        Row {
            sample: &result.sample,
            dye: &result.dye,
            status: result.status.to_string(),
            is_blank,
            microbes: result.microbes.unwrap_or(0),
            section_mpx: result.section_mpx,
            section_mm2: result.section_mm2,
            per_mpx: result.microbes_per_mpx,
            per_mpx_low: result.microbes_per_mpx_low,
            per_mpx_high: result.microbes_per_mpx_high,
            per_mm2: result.microbes_per_mm2,
            per_mm2_low: result.microbes_per_mm2_low,
            per_mm2_high: result.microbes_per_mm2_high,
            expected_false: result.expected_false_microbes,
            flux_found_90: result.flux_found_90,
            median_area_px: result.median_area_px,
            is_suspect: result.microbes_suspect,
            blanks: level.map_or(0, |level| level.number),
            unit: level.map(|level| level.unit),
            blank_mean: level.map(|level| level.mean),
            limit_of_detection: level.map(|level| level.limit),
            above_blanks: both.map(|(density, level)| density.value - level.mean),
            is_above_limit: both.map(|(density, level)| density.value > level.limit),
        }
    };
    results.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn density(value: f64, unit: &'static str) -> Density {
        Density {
            unit,
            value,
            interval: [value - INTERVAL_SIGMA, value + INTERVAL_SIGMA],
        }
    }

    #[test]
    fn the_limit_is_three_standard_deviations_above_the_mean_of_the_blanks() {
        let three = [1.0, 2.0, 3.0].map(|value| density(value, "per mm2"));
        let level = BlankLevel::of(&three).expect("of one unit");
        assert_eq!((level.number, level.mean, level.limit), (3, 2.0, 5.0));
        // A single one scatters by its own interval.
        let one = BlankLevel::of(&three[..1]).expect("a blank");
        assert!((one.limit - 7.0).abs() < 1e-9, "{one:?}");
        assert_eq!(BlankLevel::of(&[]), None);
        let unlike = [density(1.0, "per mm2"), density(1.0, "per Mpx")];
        assert_eq!(BlankLevel::of(&unlike), None);
    }
}
