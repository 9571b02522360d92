//! The finished images of a task, for those who want to do something else with them: export, look, compare.
//!
//! A run decides by `history` whether an image can be gone on from. This decides nothing: it says which file the record of a task
//! with these parameters has for an image, and what that file has to hold.

use crate::artifact::{Image, scale_kinds};
use crate::history::relative_path;
use crate::manifest::Manifest;
use crate::manifest_file::ManifestError;
use crate::names::ScaleKind;
use crate::params::{Params, suffix};
use crate::stage::Stage;
use crate::task::{CheckpointFormats, KeptCheckpoints};
use e2m_io::{ContentHash, NameError, TaskPaths};
use std::path::{Path, PathBuf};

/// An image that a task makes, by the name that people call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResultImage {
    /// Post on the canvas.
    Post,
    /// Pre on the canvas, as it was taken.
    Pre,
    /// Pre through the finest warp.
    AlignedPre,
    /// Post minus scaled pre, by the scale of the Moffat fit.
    Difference,
    /// The same by a percentile.
    DifferencePercentile,
    /// The same by a scale that was given.
    DifferenceManual,
    /// The same by a scale that varies over the section.
    DifferenceField,
    /// By how many standard deviations each pixel stands out.
    Significance,
}

impl ResultImage {
    /// All of them, in the order of the stages.
    pub const ALL: [Self; 8] = [
        Self::Post,
        Self::Pre,
        Self::AlignedPre,
        Self::Difference,
        Self::DifferencePercentile,
        Self::DifferenceManual,
        Self::DifferenceField,
        Self::Significance,
    ];

    /// `post`, `aligned_pre`, `difference_manual`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Pre => "pre",
            Self::AlignedPre => "aligned_pre",
            Self::Difference => "difference",
            Self::DifferencePercentile => "difference_percentile",
            Self::DifferenceManual => "difference_manual",
            Self::DifferenceField => "difference_field",
            Self::Significance => "significance",
        }
    }

    /// The image of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|image| image.name() == name)
    }

    /// Whether a microbe in it is brighter than zero and the background is around zero.
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Post | Self::Pre | Self::AlignedPre => false,
            Self::Difference
            | Self::DifferencePercentile
            | Self::DifferenceManual
            | Self::DifferenceField
            | Self::Significance => true,
        }
    }

    /// The artifact, where a task with these parameters makes it.
    fn artifact(self, params: &Params) -> Option<Image> {
        let difference = |is: fn(&ScaleKind) -> bool| {
            let kind = scale_kinds(params).into_iter().find(is)?;
            Some(Image::Difference(kind))
        };
        match self {
            Self::Post => Some(Image::PaddedPost),
            Self::Pre => Some(Image::PaddedPre),
            Self::AlignedPre if params.interior_ecc => Some(Image::InteriorPre),
            Self::AlignedPre => Some(Image::IcpPre),
            Self::Difference => difference(|kind| matches!(kind, ScaleKind::Moffat)),
            Self::DifferencePercentile => {
                difference(|kind| matches!(kind, ScaleKind::Percentile(_)))
            }
            Self::DifferenceManual => difference(|kind| matches!(kind, ScaleKind::Manual)),
            Self::DifferenceField => params.scale_field.then_some(Image::DifferenceField),
            Self::Significance => params.detect.then_some(Image::Significance),
        }
    }
}

impl std::fmt::Display for ResultImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What is on record of a task with certain parameters.
#[derive(Debug)]
pub struct TaskResults {
    paths: TaskPaths,
    /// The record.
    pub manifest: Manifest,
}

/// Why nothing can be said of a task's results.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// No run with these parameters has got as far as a record.
    #[error("it has no results with these parameters: there is no {}", path.display())]
    NotRun {
        /// Where the record would be.
        path: PathBuf,
    },
    /// The record cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The record is of another task or of other parameters than its place says.
    #[error("the record {} is of another task, or of other parameters than its name says", path.display())]
    OtherTask {
        /// The record.
        path: PathBuf,
    },
    /// Names that are none.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// The file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// Where it is.
    pub path: PathBuf,
    /// The hash that its pixels have to have; nothing is known of an image of the Python program.
    pub hash: Option<ContentHash>,
    /// What is wrong with the file in the other format that would have been taken first. Whoever uses this one says so.
    pub instead_of: Option<NoResult>,
}

/// Why there is no file of an image, or not the one that is taken first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoResult {
    /// These parameters ask for none, and which parameter would.
    NotAskedFor(&'static str),
    /// The run kept no file of it.
    NotKept(KeptCheckpoints),
    /// It would be no better than the image without it.
    NoBetter,
    /// The task ended before its stage was done, for which its status has a reason.
    NotMade(Stage),
    /// It is on record, and not where the record says.
    Gone(PathBuf),
    /// It is on record with another length.
    OtherLength {
        /// The file.
        path: PathBuf,
        /// Bytes on record.
        recorded: u64,
        /// Bytes found.
        found: u64,
    },
}

impl NoResult {
    /// That another file was taken instead of one that is not as it was written; nothing where there was no such file.
    pub fn passed_over(&self, taken: &Path) -> Option<String> {
        let taken = taken.display();
        match self {
            Self::Gone(path) => Some(format!(
                "{} is on record and not there; taken from {taken}, which has the same pixels on record",
                path.display()
            )),
            Self::OtherLength {
                path,
                recorded,
                found,
            } => Some(format!(
                "{} has {found} bytes and {recorded} on record; taken from {taken}, which has the same pixels on record",
                path.display()
            )),
            Self::NotAskedFor(_) | Self::NotKept(_) | Self::NoBetter | Self::NotMade(_) => None,
        }
    }
}

impl TaskResults {
    /// Reads the record of a task with these parameters.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn read(
        output_dir: &Path,
        (sample, dye): (&str, &str),
        params: &Params,
    ) -> Result<Self, ResultsError> {
        let paths = TaskPaths::new(output_dir, sample, dye)?;
        let path = paths.manifest_path(&suffix(params, Stage::LAST));
        if !path.exists() {
            return Err(ResultsError::NotRun { path });
        }
        let manifest = Manifest::open(&path)?;
        let is_own = manifest.sample == sample && manifest.dye == dye && manifest.params == *params;
        if is_own {
            Ok(Self { paths, manifest })
        } else {
            Err(ResultsError::OtherTask { path })
        }
    }

    /// The same of a record that has been read already.
    pub fn of(paths: TaskPaths, manifest: Manifest) -> Self {
        Self { paths, manifest }
    }

    /// The hash that the pixels of an image have on record, in whichever format; its files are not looked at.
    pub fn recorded_hash(&self, image: ResultImage) -> Option<ContentHash> {
        let params = &self.manifest.params;
        let artifact = image.artifact(params)?;
        CheckpointFormats::Both.list().iter().find_map(|&format| {
            let path = artifact.path(&self.paths, params, format);
            let relative = relative_path(self.paths.dir(), &path);
            let mut checkpoints = self.manifest.checkpoints.iter();
            Some(checkpoints.find(|record| record.path == relative)?.hash)
        })
    }

    /// Micrometres per pixel of the canvas along x and y, as asked for or as the file of post says.
    pub fn um_per_px(&self) -> Option<[f64; 2]> {
        let asked_for = self.manifest.params.pixel_size_um.map(|um| [um, um]);
        asked_for.or(self.manifest.inputs.post.pixel_size.map(|size| size.um))
    }

    /// The file of an image: TIFF where there are both formats. Its length is compared with the record, its pixels are not.
    ///
    /// # Errors
    /// Why there is none.
    pub fn file(&self, image: ResultImage) -> Result<ResultFile, NoResult> {
        let manifest = &self.manifest;
        let params = &manifest.params;
        let artifact = image
            .artifact(params)
            .ok_or_else(|| NoResult::NotAskedFor(parameter_of(image)))?;
        if let (ResultImage::AlignedPre, Some(legacy)) = (image, &manifest.legacy_aligned) {
            let path = self.paths.dir().join(&legacy.path);
            return there(path, legacy.bytes, None);
        }
        stored_file(&self.paths, manifest, artifact)
    }
}

/// The file on record of an image that a task makes: TIFF, or where that is gone or has another length the same image in FITS.
///
/// This is how every reader of finished images finds its file, so that all of them take the same one and can say why.
pub(crate) fn stored_file(
    paths: &TaskPaths,
    manifest: &Manifest,
    image: Image,
) -> Result<ResultFile, NoResult> {
    let mut why = None;
    for &format in CheckpointFormats::Both.list() {
        let path = image.path(paths, &manifest.params, format);
        let relative = relative_path(paths.dir(), &path);
        let mut checkpoints = manifest.checkpoints.iter();
        let Some(record) = checkpoints.find(|record| record.path == relative) else {
            continue;
        };
        match there(path, record.bytes, Some(record.hash)) {
            Ok(file) => {
                return Ok(ResultFile {
                    instead_of: why,
                    ..file
                });
            }
            Err(missing) => why = why.or(Some(missing)),
        }
    }
    Err(why.unwrap_or_else(|| {
        let done = |record: &crate::manifest::StageRecord| record.stage == image.stage();
        if manifest.stages.iter().any(done) && !image.is_kept(manifest.kept, &manifest.params) {
            NoResult::NotKept(manifest.kept)
        } else if image == Image::DifferenceField && !manifest.scales.has_field() {
            NoResult::NoBetter
        } else {
            NoResult::NotMade(image.stage())
        }
    }))
}

/// The parameter that asks for an image which is not made by default, or always.
const fn parameter_of(image: ResultImage) -> &'static str {
    match image {
        ResultImage::DifferencePercentile => "scale_percentile",
        ResultImage::DifferenceManual => "manual_scale",
        ResultImage::DifferenceField => "scale_field",
        ResultImage::Significance
        | ResultImage::Post
        | ResultImage::Pre
        | ResultImage::AlignedPre
        | ResultImage::Difference => "detect",
    }
}

/// The file, if it is there with its length.
fn there(path: PathBuf, recorded: u64, hash: Option<ContentHash>) -> Result<ResultFile, NoResult> {
    match std::fs::metadata(&path) {
        Ok(about) if about.len() == recorded => Ok(ResultFile {
            path,
            hash,
            instead_of: None,
        }),
        Ok(about) => Err(NoResult::OtherLength {
            path,
            recorded,
            found: about.len(),
        }),
        Err(_) => Err(NoResult::Gone(path)),
    }
}
