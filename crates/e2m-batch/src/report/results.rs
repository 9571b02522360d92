//! The results of a batch as files: `e2m_batch.json`, and the same as a table in `e2m_batch.csv`.

use super::{BatchReport, microbes};
use crate::ending::BatchEnding;
use crate::plan::missing_reason;
use crate::raw_content::RawContent;
use e2m_io::{TaskPaths, write_atomic};
use e2m_pipeline::{Doubt, Manifest, Stage, Status, TaskOutcome, TaskSpec, Verdict, suffix};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::path::{Component, Path, PathBuf};

/// Name of the results in output_dir.
pub(crate) const JSON_NAME: &str = "e2m_batch.json";
/// Name of the same as a table.
pub(crate) const CSV_NAME: &str = "e2m_batch.csv";
/// The layout of the file.
const SCHEMA: u32 = 1;

/// How one task ended. Field by field a column of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The sample.
    pub sample: String,
    /// The dye.
    pub dye: String,
    /// How it ended, with the reason.
    pub status: Status,
    /// What the alignment was judged to be.
    pub verdict: Option<Verdict>,
    /// How the coarse warp was found.
    pub coarse_method: Option<String>,
    /// Median of the shifts that remain, px.
    pub residual_median_px: Option<f64>,
    /// Nine in ten of the shifts that remain are no larger, px.
    pub residual_p90_px: Option<f64>,
    /// How far off the alignment is estimated to be, px.
    pub estimated_accuracy_px: Option<f64>,
    /// The part of post that aligned pre covers, 0 to 1.
    pub overlap_fraction: Option<f64>,
    /// Correlation of both images after the alignment.
    pub correlation: Option<f64>,
    /// The scale that pre is multiplied by.
    pub scale: Option<f64>,
    /// Its standard error.
    pub scale_std_error: Option<f64>,
    /// What the scale was judged to be.
    pub scale_verdict: Option<Verdict>,
    /// Why it is suspect apart from alignment and scale: the kinds of its doubts. The status says them in full.
    #[serde(serialize_with = "kinds")]
    pub doubts: Vec<Doubt>,
    /// The black level that was taken off post, counts.
    pub post_black: Option<f64>,
    /// The black level that was taken off pre, counts.
    pub pre_black: Option<f64>,
    /// The scale by a percentile, where one was asked for.
    pub scale_percentile: Option<f64>,
    /// The scale by hand, where one was given.
    pub scale_manual: Option<f64>,
    /// Microbes in the difference.
    #[serde(default)]
    pub microbes: Option<u64>,
    /// Section that was searched for them, million pixels.
    #[serde(default)]
    pub section_mpx: Option<f64>,
    /// Microbes per million pixels of section.
    #[serde(default)]
    pub microbes_per_mpx: Option<f64>,
    /// Lower end of its interval of 95 %.
    #[serde(default)]
    pub microbes_per_mpx_low: Option<f64>,
    /// Upper end of its interval of 95 %.
    #[serde(default)]
    pub microbes_per_mpx_high: Option<f64>,
    /// Section that was searched for them, mm^2, where the size of a pixel is known.
    #[serde(default)]
    pub section_mm2: Option<f64>,
    /// Microbes per mm^2 of section.
    #[serde(default)]
    pub microbes_per_mm2: Option<f64>,
    /// Lower end of its interval of 95 %.
    #[serde(default)]
    pub microbes_per_mm2_low: Option<f64>,
    /// Upper end of its interval of 95 %.
    #[serde(default)]
    pub microbes_per_mm2_high: Option<f64>,
    /// How many of the microbes are expected to be none.
    #[serde(default)]
    pub expected_false_microbes: Option<f64>,
    /// The flux of a microbe that is found with 90 % probability, counts.
    #[serde(default)]
    pub flux_found_90: Option<f64>,
    /// Median footprint of the microbes, px.
    #[serde(default)]
    pub median_area_px: Option<f64>,
    /// Whether something speaks against the catalogue of microbes.
    #[serde(default)]
    pub microbes_suspect: Option<bool>,
    /// How long it took.
    pub seconds: f64,
    /// Peak memory of its process, bytes.
    pub peak_rss_bytes: Option<u64>,
    /// Stages that were done, and not found done.
    #[serde(default)]
    pub stages_done: Vec<Stage>,
    /// Size of a pixel of post along x and y, micrometres, where it is known.
    #[serde(default)]
    pub pixel_size_um: Option<[f64; 2]>,
    /// The raw image after staining.
    pub post: PathBuf,
    /// The raw image before staining.
    pub pre: PathBuf,
    /// Below output_dir.
    pub manifest: Option<PathBuf>,
    /// What else there is to know about its results, in sentences.
    #[serde(rename = "notes")]
    pub lasting_notes: Vec<String>,
    /// Content of post and pre, where it is on record.
    #[serde(skip)]
    pub(crate) contents: Option<[RawContent; 2]>,
    /// Where the manifest is; nothing for the table. It is read when it is needed: a batch may have thousands of tasks.
    #[serde(skip)]
    record: Option<PathBuf>,
    /// Notes of the task, as the user read them on the way.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// The ways in which a task can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnding {
    /// Everything is there, and nothing speaks against it.
    Complete,
    /// Everything is there, but the verdict has doubts.
    Suspect,
    /// With an error.
    Failed,
    /// Stopped on its way.
    Interrupted,
    /// Not begun.
    NotBegun,
    /// In the queue of a cluster.
    Queued,
}

/// How the status of a task begins that was not begun.
const NOT_BEGUN: &str = "not begun";
/// How the status of a task begins that waits or runs on a cluster.
const QUEUED: &str = "in the queue";

impl TaskResult {
    /// The result of a task that has ended.
    pub fn of(task: &TaskSpec, outcome: &TaskOutcome, output_dir: &Path) -> Self {
        let manifest = outcome.manifest.as_deref();
        let found = manifest.and_then(|manifest| manifest.alignment.as_ref());
        // Before stage 3 there is a way in which it was found, and nothing that was measured on it.
        let alignment = found.filter(|alignment| alignment.is_judged());
        let scales = manifest.map(|manifest| &manifest.scales);
        let moffat = scales.and_then(|scales| scales.moffat.as_ref());
        let detection = manifest.and_then(|manifest| manifest.detection.as_ref());
        let black = moffat.and_then(|scale| scale.black);
        let pixel_size_um = (task.params.pixel_size_um.map(|um| [um, um]))
            .or_else(|| Some(manifest?.inputs.post.pixel_size?.um));
        // A million pixels of 1 um^2 are 1 mm^2.
        let mm2_per_mpx = pixel_size_um.map(|[x, y]| x * y);
        let per_mm2 = |per_mpx: f64| Some(per_mpx / mm2_per_mpx?);
        let path = outcome.manifest_path.as_deref();
        Self {
            verdict: alignment.map(|a| a.verdict),
            coarse_method: found.map(|a| a.coarse_method.clone()),
            residual_median_px: alignment.and_then(|a| a.residual_median_px),
            residual_p90_px: alignment.and_then(|a| a.residual_p90_px),
            estimated_accuracy_px: alignment.and_then(|a| a.estimated_accuracy_px),
            overlap_fraction: alignment.map(|a| a.overlap_fraction),
            correlation: alignment.map(|a| a.correlation),
            scale: moffat.map(|scale| scale.value),
            scale_std_error: moffat.map(|scale| scale.std_error),
            scale_verdict: manifest
                .and_then(|manifest| manifest.scale.as_ref())
                .map(|scale| scale.verdict),
            doubts: manifest.map_or_else(Vec::new, |manifest| manifest.doubts.clone()),
            post_black: black.map(|black| black.post),
            pre_black: black.map(|black| black.pre),
            scale_percentile: scales
                .and_then(|scales| scales.percentile)
                .map(|scale| scale.value),
            scale_manual: scales
                .and_then(|scales| scales.manual)
                .map(|scale| scale.value),
            microbes: detection.map(|found| found.microbes),
            section_mpx: detection.map(|found| found.section_px as f64 * 1e-6),
            microbes_per_mpx: detection.map(|found| found.per_megapixel),
            microbes_per_mpx_low: detection.map(|found| found.interval_95[0]),
            microbes_per_mpx_high: detection.map(|found| found.interval_95[1]),
            section_mm2: detection
                .and_then(|found| Some(found.section_px as f64 * 1e-6 * mm2_per_mpx?)),
            microbes_per_mm2: detection.and_then(|found| per_mm2(found.per_megapixel)),
            microbes_per_mm2_low: detection.and_then(|found| per_mm2(found.interval_95[0])),
            microbes_per_mm2_high: detection.and_then(|found| per_mm2(found.interval_95[1])),
            expected_false_microbes: detection.map(|found| found.expected_false),
            flux_found_90: detection.and_then(|found| found.flux_90),
            median_area_px: detection.and_then(|found| found.median_area_px),
            microbes_suspect: detection.map(|found| !found.suspect.is_empty()),
            seconds: outcome.seconds,
            peak_rss_bytes: Some(outcome.peak_rss_bytes),
            stages_done: outcome.stages_done.clone(),
            pixel_size_um,
            manifest: path.map(|path| path.strip_prefix(output_dir).unwrap_or(path).to_owned()),
            record: path.filter(|_| manifest.is_some()).map(Path::to_owned),
            lasting_notes: manifest.map_or_else(Vec::new, Manifest::all_notes),
            contents: manifest.map(RawContent::of_task),
            notes: outcome.notes.clone(),
            ..Self::without_outcome(task, outcome.status.clone())
        }
    }

    /// A task of which nothing is known but this.
    fn without_outcome(task: &TaskSpec, status: Status) -> Self {
        Self {
            sample: task.sample.clone(),
            dye: task.dye.clone(),
            status,
            verdict: None,
            coarse_method: None,
            residual_median_px: None,
            residual_p90_px: None,
            estimated_accuracy_px: None,
            overlap_fraction: None,
            correlation: None,
            scale: None,
            scale_std_error: None,
            scale_verdict: None,
            doubts: Vec::new(),
            post_black: None,
            pre_black: None,
            scale_percentile: None,
            scale_manual: None,
            microbes: None,
            section_mpx: None,
            microbes_per_mpx: None,
            microbes_per_mpx_low: None,
            microbes_per_mpx_high: None,
            section_mm2: None,
            microbes_per_mm2: None,
            microbes_per_mm2_low: None,
            microbes_per_mm2_high: None,
            expected_false_microbes: None,
            flux_found_90: None,
            median_area_px: None,
            microbes_suspect: None,
            seconds: 0.0,
            peak_rss_bytes: None,
            stages_done: Vec::new(),
            pixel_size_um: None,
            post: task.post.clone(),
            pre: task.pre.clone(),
            manifest: None,
            lasting_notes: Vec::new(),
            contents: None,
            record: None,
            notes: Vec::new(),
        }
    }

    /// The result of a task on which nobody has worked, and why.
    pub(crate) fn not_begun(task: &TaskSpec, reason: &NotBegun) -> Self {
        let status = match reason {
            NotBegun::NotYet => NOT_BEGUN.to_owned(),
            NotBegun::Interrupted => format!("{NOT_BEGUN}, the batch was interrupted"),
            NotBegun::RunnerFailed(why) => format!("{NOT_BEGUN}, {why}"),
        };
        Self::without_outcome(task, Status::Incomplete(status))
    }

    /// The result of a task that is in the queue of a cluster, as what.
    pub(crate) fn queued(task: &TaskSpec, what: &str) -> Self {
        Self::without_outcome(task, Status::Incomplete(format!("{QUEUED}: {what}")))
    }

    /// What an earlier run left of a task with these parameters; nothing if none got as far as a record.
    pub(crate) fn earlier(task: &TaskSpec) -> Option<Self> {
        let paths = TaskPaths::new(&task.output_dir, &task.sample, &task.dye).ok()?;
        let path = paths.manifest_path(&suffix(&task.params, Stage::LAST));
        let manifest = Manifest::read(&path)?;
        let outcome = TaskOutcome {
            sample: task.sample.clone(),
            dye: task.dye.clone(),
            status: manifest.status.clone(),
            failure: None,
            seconds: manifest.stages.iter().map(|stage| stage.seconds).sum(),
            peak_rss_bytes: manifest.memory.peak_rss_bytes,
            stages_done: Vec::new(),
            notes: Vec::new(),
            interrupted: false,
            manifest_path: Some(path),
            manifest: Some(Box::new(manifest)),
        };
        Some(Self::of(task, &outcome, &task.output_dir))
    }

    /// The same, as results on the disk name it: the manifest is looked for in output_dir.
    pub(super) fn with_record_in(mut self, output_dir: &Path) -> Self {
        let is_below = |path: &&PathBuf| {
            let mut components = path.components();
            components.all(|part| matches!(part, Component::Normal(_)))
        };
        let path = self.manifest.as_ref().filter(is_below);
        let path = path.map(|path| output_dir.join(path));
        self.record = path.filter(|path| path.is_file());
        self
    }

    /// A task that failed for this reason, of which nothing else is known.
    pub(super) fn failed(task: &TaskSpec, status: Status) -> Self {
        Self::without_outcome(task, status)
    }

    /// What the manifest says.
    pub(crate) fn record(&self) -> Option<Manifest> {
        Manifest::read(self.record.as_deref()?)
    }

    /// `CD070/DAPI`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.sample, self.dye)
    }

    /// How it ended.
    pub fn ending(&self) -> TaskEnding {
        match &self.status {
            Status::Complete => TaskEnding::Complete,
            Status::Suspect(_) => TaskEnding::Suspect,
            Status::Error(_) => TaskEnding::Failed,
            Status::Incomplete(why) if why.starts_with(NOT_BEGUN) => TaskEnding::NotBegun,
            Status::Incomplete(why) if why.starts_with(QUEUED) => TaskEnding::Queued,
            Status::Incomplete(_) => TaskEnding::Interrupted,
        }
    }

    /// Whether it had anything to do: otherwise its results were there already.
    pub fn worked(&self) -> bool {
        !self.stages_done.is_empty()
            || !matches!(self.ending(), TaskEnding::Complete | TaskEnding::Suspect)
    }
}

/// Doubts by their kinds.
fn kinds<S: Serializer>(doubts: &[Doubt], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(doubts.iter().map(Doubt::kind))
}

/// Why a task was not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotBegun {
    /// No run has come to it.
    NotYet,
    /// The user stopped the batch.
    Interrupted,
    /// The runner could not go on, in these words.
    RunnerFailed(String),
}

/// How a run ended, and of which tasks it was.
pub(super) struct RunFacts {
    /// How it ended.
    pub(super) ending: BatchEnding,
    /// Its tasks, as `CD070/DAPI`.
    pub(super) tasks: Vec<String>,
}

/// Why the results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A file.
    #[error(transparent)]
    File(#[from] e2m_io::AtomicError),
    /// The JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The table.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A table of an earlier run that is true no more.
    #[error("cannot remove {}, which is of an earlier run: {source}", path.display())]
    Stale {
        /// The table.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Writes both files, each in one step: about the whole batch, and how the run ended that writes them.
pub(super) fn write(whole: &BatchReport<'_>, run: &RunFacts) -> Result<(), ResultsError> {
    let report = whole;
    let folder = &report.plan.output_dir;
    let tasks: Vec<Value> = report
        .results
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()?;
    let missing: Vec<Value> = report
        .missing()
        .map(|pair| json!({"sample": pair.sample, "dye": pair.dye, "status": format!("missing: {}", missing_reason(pair))}))
        .collect();
    let table = table(tasks.iter().chain(&missing).filter_map(Value::as_object))?;
    let all = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "batch": report.plan.batch_path,
        "exit_code": run.ending.code(),
        "batch_exit_code": whole.code_of_batch(run.ending),
        "seconds": report.seconds,
        "run": run.tasks,
        "tasks": tasks,
        "missing": missing,
    });
    write_atomic(&folder.join(JSON_NAME), format!("{all:#}\n").as_bytes())?;
    write_atomic(&folder.join(CSV_NAME), &table)?;
    microbes::write(whole)
}

/// Objects as rows; the columns are the keys of the first one.
fn table<'v>(rows: impl Iterator<Item = &'v Map<String, Value>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut columns: Vec<&String> = Vec::new();
    for row in rows {
        if columns.is_empty() {
            columns = row.keys().collect();
            writer.write_record(&columns)?;
        }
        writer.write_record(
            columns
                .iter()
                .map(|column| row.get(*column).map_or_else(String::new, cell)),
        )?;
    }
    writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

/// A value as a cell: nothing for null, lists with spaces between, or semicolons where their items are sentences.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let cells: Vec<String> = items.iter().map(cell).collect();
            let sentences = cells.iter().any(|cell| cell.contains(' '));
            cells.join(if sentences { "; " } else { " " })
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_columns_of_its_first_row_and_quotes_what_needs_it() {
        let rows = [
            json!({"sample": "a", "status": "error: 1, 2 \"x\"", "stages": [1, 2], "scale": null}),
            json!({"sample": "b", "scale": 1.5, "stages": ["it is one", "two"]}),
        ];
        let bytes = table(rows.iter().filter_map(Value::as_object)).expect("a table");
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(
            text,
            "sample,status,stages,scale\na,\"error: 1, 2 \"\"x\"\"\",1 2,\nb,,it is one; two,1.5\n"
        );
    }
}
