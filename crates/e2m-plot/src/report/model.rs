//! What a report is made from: plain data, in the caller's words where they are for people.

use crate::picture::PictureKind;
use std::path::PathBuf;

/// A batch: everything but the pictures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportHead {
    /// Name of the batch, as its batch file is called.
    pub batch: String,
    /// Version of the program, as in `e2m 0.1.0`.
    pub version: String,
    /// When the run began, for people.
    pub started: String,
    /// How long it took.
    pub seconds: f64,
    /// How it ended in one line, as in `5 complete, 1 suspect`.
    pub tally: String,
    /// What is wrong, the first things first.
    pub problems: Vec<ReportProblem>,
    /// The tasks in the order of the batch.
    pub tasks: Vec<ReportRow>,
    /// Files of the whole batch, such as its table of results.
    pub files: Vec<ReportFile>,
    /// Stands for the content in the page's head, so that whoever writes it can tell whether another page would show the
    /// same; may be empty.
    pub fingerprint: String,
}

impl ReportHead {
    /// The tasks' places in [`ReportHead::tasks`] in the order in which the page has them: those with problems first, the
    /// worst of them at the top, otherwise as in the batch.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.tasks.len()).collect();
        order.sort_by_key(|&row| self.tasks[row].status);
        order
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportProblem {
    /// What it is about: a task's [`ReportRow::name`], or anything else.
    pub task: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it; may be empty.
    pub to_do: String,
}

/// How a task ended, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportStatus {
    /// It ended with an error.
    Failed,
    /// It finished, but the verdict has doubts.
    Suspect,
    /// It was stopped on its way.
    Interrupted,
    /// It was left out, because a file is missing.
    LeftOut,
    /// The batch was stopped before it.
    NotBegun,
    /// It finished.
    Complete,
}

/// The verdict on an alignment, or on a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportVerdict {
    /// It does not fit.
    Fail,
    /// There are doubts.
    Suspect,
    /// It fits.
    Pass,
}

/// One task. What is not known is `None` or empty.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// Sample, as in `CD070`.
    pub sample: String,
    /// Dye, as in `SybrGld`.
    pub dye: String,
    /// How it ended.
    pub status: ReportStatus,
    /// Why it is not complete.
    pub why: Option<String>,
    /// The verdict on the alignment.
    pub verdict: Option<ReportVerdict>,
    /// The verdict on the scale.
    pub scale_verdict: Option<ReportVerdict>,
    /// Black levels that were taken off post and pre, counts.
    pub black_levels: Option<(f64, f64)>,
    /// Which channels of images in colour were taken, and why.
    pub channels: Option<String>,
    /// The raw files: what it is, as in `Post`, and name, size and depth.
    pub raw: Vec<(&'static str, String)>,
    /// Parameters that are not at their defaults, with their values.
    pub parameters: Vec<(String, String)>,
    /// Median residual displacement, px.
    pub residual_median_px: Option<f64>,
    /// 90th percentile of the residual displacement, px.
    pub residual_p90_px: Option<f64>,
    /// Correlation of post and aligned pre, -1 to 1.
    pub correlation: Option<f64>,
    /// Share of post that aligned pre covers, 0 to 1.
    pub overlap_fraction: Option<f64>,
    /// The scales; the first one stands in the table.
    pub scales: Vec<ReportScale>,
    /// How many microbes were found, in a few words; `None` where they were not looked for.
    pub microbes: Option<String>,
    /// How long it took; `None` for one that was there already or never ran.
    pub seconds: Option<f64>,
    /// What was done in each stage.
    pub stages: Vec<ReportStage>,
    /// Most memory used.
    pub peak_bytes: Option<u64>,
    /// Memory planned.
    pub plan_bytes: Option<u64>,
    /// The task's files.
    pub files: Vec<ReportFile>,
    /// What the task warned of.
    pub warnings: Vec<String>,
}

impl ReportRow {
    /// A task of which nothing more is known.
    pub fn new(sample: impl Into<String>, dye: impl Into<String>, status: ReportStatus) -> Self {
        Self {
            sample: sample.into(),
            dye: dye.into(),
            status,
            why: None,
            verdict: None,
            scale_verdict: None,
            black_levels: None,
            channels: None,
            raw: Vec::new(),
            parameters: Vec::new(),
            residual_median_px: None,
            residual_p90_px: None,
            correlation: None,
            overlap_fraction: None,
            scales: Vec::new(),
            microbes: None,
            seconds: None,
            stages: Vec::new(),
            peak_bytes: None,
            plan_bytes: None,
            files: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// `sample/dye`, which is how a [`ReportProblem`] names it.
    pub fn name(&self) -> String {
        format!("{}/{}", self.sample, self.dye)
    }
}

/// One scale of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportScale {
    /// How it was found, as in `Moffat`.
    pub method: String,
    /// post / aligned pre of the background.
    pub value: f64,
    /// Its standard error, where it has one.
    pub std_error: Option<f64>,
}

/// One stage of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportStage {
    /// Its name, as in `2 coarse alignment`.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
    /// Whether its results were there already.
    pub skipped: bool,
}

/// A file that the page links to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// What it is, as in `difference (TIFF)`.
    pub label: String,
    /// Where it is, seen from the folder of the page.
    pub path: PathBuf,
}

/// The pictures of one task. Only those of one task need to be in memory at a time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskSection {
    /// The task's place in [`ReportHead::tasks`].
    pub row: usize,
    /// Its pictures, in any order.
    pub pictures: Vec<ReportPicture>,
    /// Post and aligned pre to be compared by eye.
    pub comparison: Option<Comparison>,
    /// The same of a few places, pixel by pixel.
    pub close_ups: Option<Comparison>,
}

/// A picture of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportPicture {
    /// What it is.
    pub kind: PictureKind,
    /// Which of several, as in `manual`; empty for the only one.
    pub variant: String,
    /// The content of its file.
    pub png: Vec<u8>,
    /// Its file, seen from the folder of the page.
    pub path: PathBuf,
}

/// Two grey images of the same frame, as [`draw_comparison`](crate::draw_comparison) and [`draw_close_ups`](crate::draw_close_ups) make them.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Post, a JPEG.
    pub post: Vec<u8>,
    /// Aligned pre, a JPEG of the same size.
    pub aligned: Vec<u8>,
    /// Full-resolution px per px of these, where that is known.
    pub factor: Option<f64>,
}
