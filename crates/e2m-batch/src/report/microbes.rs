//! `microbes.csv`: the microbes of each task, and what the blanks of the batch say about them.
//!
//! From the densities of the blanks of a dye follow their mean and the limit of detection, mean + 3 standard deviations (IUPAC;
//! Long & Winefordner 1983, doi:10.1021/ac00258a724). Of a single blank the standard deviation is that of its own density.
//! Densities are compared per mm^2 where the pixels of all are known, per million pixels where those of none are.
//!
//! The last columns are what people have judged ([`crate::judgements`]). They are written with the table, and again when somebody judges
//! ([`enter`]); all others are what was found.

use super::BatchReport;
use super::results::{ResultsError, TaskResult};
use crate::judgements::{Curation, JudgementError, Opinion, curation, is_anything_judged};
use e2m_io::{composed, task_dir, write_atomic};
use serde::Serialize;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

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
    /// Of the task as a whole: `accept`, `reject`, or `unreadable`.
    judgement: &'static str,
    objects_accepted: Option<u64>,
    objects_rejected: Option<u64>,
    microbes_curated: Option<u64>,
    per_mpx_curated: Option<f64>,
    per_mm2_curated: Option<f64>,
}

/// The columns of judgements, in their order.
const JUDGED: [&str; 6] = [
    "judgement",
    "objects_accepted",
    "objects_rejected",
    "microbes_curated",
    "per_mpx_curated",
    "per_mm2_curated",
];

/// What stands in them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Judged {
    judgement: &'static str,
    accepted: Option<u64>,
    rejected: Option<u64>,
    microbes: Option<u64>,
    per_mpx: Option<f64>,
    per_mm2: Option<f64>,
}

impl Judged {
    /// Of a task with so many microbes on so much section; where nobody has judged, the count is as it was found. A task that was
    /// rejected has no count.
    fn of(
        found: Option<u64>,
        [mpx, mm2]: [Option<f64>; 2],
        curation: Result<Option<Curation>, JudgementError>,
    ) -> Self {
        let curation = match curation {
            Ok(curation) => curation,
            Err(error) => {
                tracing::warn!("{error}");
                return Self {
                    judgement: "unreadable",
                    accepted: None,
                    rejected: None,
                    microbes: None,
                    per_mpx: None,
                    per_mm2: None,
                };
            }
        };
        let task = curation.and_then(|curation| curation.task);
        let left = curation.map_or(found, |curation| Some(curation.microbes));
        let microbes = left.filter(|_| task != Some(Opinion::Reject));
        let per = |area: Option<f64>| Some(microbes? as f64 / area.filter(|area| *area > 0.0)?);
        Self {
            judgement: task.map_or("", Opinion::word),
            accepted: Some(curation.map_or(0, |curation| curation.accepted)),
            rejected: Some(curation.map_or(0, |curation| curation.rejected)),
            microbes,
            per_mpx: per(mpx),
            per_mm2: per(mm2),
        }
    }

    /// The cells, as the table writes them.
    fn cells(self) -> [String; 6] {
        let whole = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let number = |number: Option<f64>| number.map(|n| format!("{n:?}")).unwrap_or_default();
        [
            self.judgement.to_owned(),
            whole(self.accepted),
            whole(self.rejected),
            whole(self.microbes),
            number(self.per_mpx),
            number(self.per_mm2),
        ]
    }
}

/// Enters what was judged of a task into the table of its batch. Where there is no table, or it has no line for the task, the next run
/// does so.
///
/// # Errors
/// A table that cannot be read or written.
pub fn enter(
    output_dir: &Path,
    (sample, dye): (&str, &str),
    curation: Curation,
) -> Result<(), JudgementError> {
    let path = output_dir.join(NAME);
    let failed = |source| JudgementError::Table {
        path: path.clone(),
        source,
    };
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error.into())),
    };
    let table = entered(&text, (sample, dye), curation).map_err(failed)?;
    if let Some(table) = table.filter(|table| *table != text) {
        write_atomic(&path, &table)?;
    }
    Ok(())
}

/// The table with what was judged of a task; none where it has no line for it.
fn entered(
    text: &[u8],
    (sample, dye): (&str, &str),
    curation: Curation,
) -> Result<Option<Vec<u8>>, csv::Error> {
    let mut reader = csv::Reader::from_reader(text);
    let mut names = reader.headers()?.clone();
    // A table of an earlier version.
    for name in JUDGED {
        if !names.iter().any(|own| own == name) {
            names.push_field(name);
        }
    }
    let place = |name: &str| names.iter().position(|own| own == name);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&names)?;
    let mut is_there = false;
    for row in reader.records() {
        let row = row?;
        let mut cells: Vec<String> = row.iter().map(str::to_owned).collect();
        cells.resize(names.len(), String::new());
        let cell = |name: &str| Some(row.get(place(name)?)?.to_owned());
        let is = |name: &str, value: &str| cell(name).is_some_and(|own| own == value);
        if is("sample", sample) && is("dye", dye) {
            is_there = true;
            let area = |name: &str| cell(name)?.parse::<f64>().ok();
            let areas = [area("section_mpx"), area("section_mm2")];
            let found = cell("microbes").and_then(|cell| cell.parse().ok());
            let judged = Judged::of(found, areas, Ok(Some(curation)));
            for (name, value) in JUDGED.into_iter().zip(judged.cells()) {
                if let Some(cell) = place(name).and_then(|place| cells.get_mut(place)) {
                    *cell = value;
                }
            }
        }
        writer.write_record(&cells)?;
    }
    let table = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(is_there.then_some(table))
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
    for row in rows(&searched, &report.plan.blanks, &report.plan.output_dir) {
        writer.serialize(row)?;
    }
    let table = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    write_atomic(&path, &table)?;
    Ok(())
}

fn rows<'r>(results: &[&'r TaskResult], blanks: &[String], output_dir: &Path) -> Vec<Row<'r>> {
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
        let judged = Judged::of(
            result.microbes,
            [result.section_mpx, result.section_mm2],
            judged(result, output_dir),
        );
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
            judgement: judged.judgement,
            objects_accepted: judged.accepted,
            objects_rejected: judged.rejected,
            microbes_curated: judged.microbes,
            per_mpx_curated: judged.per_mpx,
            per_mm2_curated: judged.per_mm2,
        }
    };
    results.iter().map(row).collect()
}

/// What was judged of a task.
fn judged(result: &TaskResult, output_dir: &Path) -> Result<Option<Curation>, JudgementError> {
    let folder = task_dir(output_dir, &result.sample, &result.dye).ok();
    // Records are long, and few tasks are judged.
    let folder = folder.filter(|folder| is_anything_judged(folder));
    match folder.and_then(|folder| Some((folder, result.record()?))) {
        Some((folder, record)) => curation(&folder, &record),
        None => Ok(None),
    }
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
    fn judgements_are_entered_into_the_line_of_their_task_and_nothing_else_changes() {
        let before = "sample,dye,microbes,section_mpx,section_mm2\na,DAPI,10,2.0,\n\"b, c\",DAPI,5,1.0,0.5\n";
        let curation = Curation {
            rejected: 2,
            microbes: 8,
            ..Curation::default()
        };
        let with = |text: &str, name, curation| {
            let table = entered(text.as_bytes(), name, curation).expect("a table")?;
            Some(String::from_utf8(table).expect("text"))
        };
        let after = with(before, ("a", "DAPI"), curation).expect("a line");
        let lines: Vec<&str> = after.lines().collect();
        assert!(lines[0].ends_with("section_mm2,judgement,objects_accepted,objects_rejected,microbes_curated,per_mpx_curated,per_mm2_curated"));
        assert_eq!(lines[1], "a,DAPI,10,2.0,,,0,2,8,4.0,");
        assert_eq!(lines[2], "\"b, c\",DAPI,5,1.0,0.5,,,,,,");
        // A task that is rejected has no count.
        let rejected = Curation {
            task: Some(Opinion::Reject),
            ..curation
        };
        let again = with(&after, ("b, c", "DAPI"), rejected).expect("a line");
        assert!(
            again.ends_with("\"b, c\",DAPI,5,1.0,0.5,reject,0,2,,,\n"),
            "{again}"
        );
        assert_eq!(with(before, ("d", "DAPI"), curation), None);
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
