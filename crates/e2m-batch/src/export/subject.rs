//! What is exported: the tasks, and which of their images.

use crate::batch_file::BatchFile;
use crate::export_record::ExportFormat;
use crate::plan::{PlanError, params_of};
use crate::selection::TaskSelection;
use crate::verify::VerifySubject;
use e2m_export::{Compression, Pyramid};
use e2m_io::MissingPair;
use e2m_pipeline::{Params, ResultImage};
use std::path::{Path, PathBuf};

/// How smaller levels of differences and of the significance are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignedPyramid {
    /// By maxima: microbes stay visible.
    #[default]
    Maximum,
    /// By means: what a microscope with less magnification would show.
    Mean,
    /// Both, as two channels, which are the same in full resolution.
    Both,
}

impl SignedPyramid {
    /// `maximum`, `mean` or `both`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Maximum => "maximum",
            Self::Mean => "mean",
            Self::Both => "both",
        }
    }

    /// That of each channel of such an image.
    pub(super) const fn of_channels(self) -> &'static [Pyramid] {
        match self {
            Self::Maximum => &[Pyramid::Maximum],
            Self::Mean => &[Pyramid::Mean],
            Self::Both => &[Pyramid::Mean, Pyramid::Maximum],
        }
    }
}

/// Which images, and how they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportRequest {
    /// The channels of each file, in this order; where none is named, post, aligned pre, difference and significance, as far as
    /// the task has them.
    pub images: Vec<ResultImage>,
    /// How smaller levels of differences and significance are made. Those of other images are means.
    pub pyramid: SignedPyramid,
    /// How tiles are stored.
    pub compression: Compression,
    /// What is written.
    pub format: ExportFormat,
    /// Where files go; where nothing is said, the folder `export` in the batch's output_dir.
    pub out: Option<PathBuf>,
    /// Write files that are up to date again.
    pub overwrite: bool,
}

/// A task whose images are exported.
#[derive(Debug, Clone)]
pub(super) struct ExportTask {
    pub(super) sample: String,
    pub(super) dye: String,
    pub(super) output_dir: PathBuf,
    pub(super) params: Params,
    /// Post and pre, where they are there.
    pub(super) raw: Option<[PathBuf; 2]>,
}

/// What is exported.
#[derive(Debug)]
pub struct ExportSubject {
    /// The batch file, as it was given.
    pub batch: PathBuf,
    /// What of each task.
    pub request: ExportRequest,
    /// Where files go.
    pub out: PathBuf,
    /// The tasks of the batch, then those whose raw images are gone.
    pub(super) tasks: Vec<ExportTask>,
    /// Pairs that were asked for, have nothing on record and are not there.
    pub missing: Vec<MissingPair>,
    /// Whether missing pairs matter.
    pub strict: bool,
    /// What the user should know of the batch file.
    pub warnings: Vec<String>,
}

impl ExportSubject {
    /// Settles what is exported; `shown` is the batch file as messages are to name it.
    ///
    /// # Errors
    /// Contradictions, and a raw folder without any pair.
    pub fn of(
        batch: &BatchFile,
        shown: &Path,
        wanted: &TaskSelection,
        request: ExportRequest,
    ) -> Result<Self, PlanError> {
        let on_record = VerifySubject::of(batch, shown, wanted)?;
        let mut tasks = Vec::new();
        for task in on_record.tasks {
            let params = match task.params {
                Some(params) => params,
                None => params_of(batch, &task.sample, &task.dye)?,
            };
            tasks.push(ExportTask {
                sample: task.sample,
                dye: task.dye,
                output_dir: task.output_dir,
                params,
                raw: task.raw,
            });
        }
        let usual = || batch.output_dir().join("export");
        Ok(Self {
            batch: shown.to_owned(),
            out: request.out.clone().unwrap_or_else(usual),
            request,
            tasks,
            missing: on_record.missing,
            strict: on_record.strict,
            warnings: on_record.warnings,
        })
    }
}
