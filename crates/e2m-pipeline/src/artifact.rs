//! What a task makes: the one list of its images, pictures and tables.
//!
//! Everything else about an artifact follows from [`artifacts`]: what a run takes over or makes again, what it takes off the
//! record, what a preview counts on the disk, what `verify` expects in a header, the order of pictures in the report. A new
//! artifact is a variant of [`Image`], [`Picture`] or [`Table`] and a line of the list; the matches over these enums are exhaustive, so
//! that the compiler names every other place that has to know it.

pub(crate) use crate::artifact_tables::Table;
use crate::history::relative_path;
use crate::manifest::PictureRecord;
use crate::names::ScaleKind;
use crate::params::{Params, suffix};
use crate::stage::Stage;
use crate::task::{CheckpointFormats, KeptCheckpoints};
use e2m_io::{CheckpointFormat, PixelKind, TaskPaths};
use e2m_plot::PictureKind;
use std::path::PathBuf;

/// One thing that a task makes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Artifact {
    /// The stage that makes it.
    pub(crate) stage: Stage,
    /// What it is.
    pub(crate) kind: ArtifactKind,
    /// Its file name without suffix and extension.
    pub(crate) stem: String,
    /// The formats it is written in.
    pub(crate) formats: &'static [FileFormat],
}

/// What an artifact is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ArtifactKind {
    /// A checkpoint or a result: an image on the canvas.
    Image(Image),
    /// A picture for people.
    Picture(Picture),
    /// A table for other programs.
    Table(Table),
}

/// The images of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Image {
    /// Post, padded.
    PaddedPost,
    /// Pre, padded.
    PaddedPre,
    /// Pre after the first step of stage 2.
    CoarsePre,
    /// Pre after stage 2.
    IcpPre,
    /// Pre after stage 3.
    InteriorPre,
    /// Post minus scaled pre.
    Difference(ScaleKind),
    /// The same with a scale and an offset that vary slowly over the section.
    DifferenceField,
    /// Which pixels of the difference mean nothing, or less than they seem to.
    Mask,
    /// By how many standard deviations each pixel stands out.
    Significance,
}

/// The pictures of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Picture {
    /// One that there is one of.
    Plot(PictureKind),
    /// The difference with this scale.
    Difference(ScaleKind),
    /// Post, to be compared by eye with …
    ComparisonPost,
    /// … aligned pre in the same frame.
    ComparisonAlignedPre,
    /// A few places of post pixel by pixel, to be compared by eye with …
    CloseUpsPost,
    /// … the same of aligned pre.
    CloseUpsAlignedPre,
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// Of an image.
    Checkpoint(CheckpointFormat),
    /// Of a plot.
    Png,
    /// Of a photograph.
    Jpeg,
    /// Of a table.
    Csv,
    /// Of a table with types.
    Parquet,
    /// Of places and shapes, for QuPath.
    GeoJson,
    /// Of regions, for DS9.
    Regions,
}

/// What the name of a mask begins with.
const MASK_STEM: &str = "04_mask";
/// What the name of a difference with a scale field begins with.
const FIELD_STEM: &str = "04_difference_field";
/// What the name of a significance image begins with.
const SIGNIFICANCE_STEM: &str = "05_significance";

/// What the pixels of the image in a file are, by its name.
pub(crate) fn pixels_of(name: &str) -> PixelKind {
    if name.starts_with(MASK_STEM) {
        PixelKind::Flags
    } else {
        PixelKind::Float
    }
}

const TIFF: &[FileFormat] = &[FileFormat::Checkpoint(CheckpointFormat::Tiff)];
const FITS: &[FileFormat] = &[FileFormat::Checkpoint(CheckpointFormat::Fits)];
const BOTH: &[FileFormat] = &[
    FileFormat::Checkpoint(CheckpointFormat::Tiff),
    FileFormat::Checkpoint(CheckpointFormat::Fits),
];

/// Everything that a task with these parameters makes, and keeps, in the order in which it is listed for people.
pub(crate) fn artifacts(
    params: &Params,
    formats: CheckpointFormats,
    kept: KeptCheckpoints,
) -> Vec<Artifact> {
    use ArtifactKind::{Image as I, Picture as P, Table as T};
    let differences = || scale_kinds(params).into_iter();
    let plot = |kind| P(Picture::Plot(kind));
    let mut kinds = vec![I(Image::PaddedPost), I(Image::PaddedPre), I(Image::IcpPre)];
    if params.save_all_intermediates {
        kinds.push(I(Image::CoarsePre));
    }
    kinds.extend([
        plot(PictureKind::Registration),
        plot(PictureKind::FineAlignment),
    ]);
    if params.interior_ecc {
        kinds.push(I(Image::InteriorPre));
    }
    kinds.extend([
        plot(PictureKind::RegistrationResidual),
        P(Picture::ComparisonPost),
        P(Picture::ComparisonAlignedPre),
    ]);
    kinds.extend(differences().map(|scale| I(Image::Difference(scale))));
    if params.scale_field {
        kinds.push(I(Image::DifferenceField));
    }
    kinds.push(I(Image::Mask));
    kinds.extend([
        plot(PictureKind::PrePostHeatmap),
        plot(PictureKind::ExcessHeatmap),
        plot(PictureKind::PrePostHistograms),
        plot(PictureKind::DifferenceHistogram),
        plot(PictureKind::RatioHistogram),
    ]);
    kinds.extend(differences().map(|scale| P(Picture::Difference(scale))));
    if params.detect {
        kinds.push(I(Image::Significance));
        kinds.extend(Table::ALL.iter().map(|&table| T(table)));
        let of_stage_5 = |kind: &PictureKind| Picture::Plot(*kind).stage() == Stage::Detection;
        kinds.extend(PictureKind::ALL.into_iter().filter(of_stage_5).map(plot));
        kinds.extend([P(Picture::CloseUpsPost), P(Picture::CloseUpsAlignedPre)]);
    }
    let is_kept = |kind: &ArtifactKind| match kind {
        ArtifactKind::Image(image) => image.is_kept(kept, params),
        ArtifactKind::Picture(_) | ArtifactKind::Table(_) => true,
    };
    kinds
        .into_iter()
        .filter(is_kept)
        .map(|kind| Artifact::new(kind, formats))
        .collect()
}

/// Everything that a task with these parameters may have made, whatever it was asked to keep.
pub(crate) fn all_artifacts(params: &Params) -> Vec<Artifact> {
    artifacts(params, CheckpointFormats::Both, KeptCheckpoints::All)
}

/// The images among them that a stage makes.
pub(crate) fn images_of(
    stage: Stage,
    params: &Params,
    formats: CheckpointFormats,
    kept: KeptCheckpoints,
) -> Vec<(Image, Artifact)> {
    let of_stage = artifacts(params, formats, kept).into_iter();
    of_stage
        .filter(|artifact| artifact.stage == stage)
        .filter_map(|artifact| match artifact.kind {
            ArtifactKind::Image(image) => Some((image, artifact)),
            ArtifactKind::Picture(_) | ArtifactKind::Table(_) => None,
        })
        .collect()
}

/// The pictures among them that a stage draws.
pub(crate) fn pictures_of(stage: Stage, params: &Params) -> Vec<Picture> {
    let all = all_artifacts(params).into_iter();
    all.filter(|artifact| artifact.stage == stage)
        .filter_map(|artifact| match artifact.kind {
            ArtifactKind::Picture(picture) => Some(picture),
            ArtifactKind::Image(_) | ArtifactKind::Table(_) => None,
        })
        .collect()
}

/// The tables among them that a stage writes.
pub(crate) fn tables_of(stage: Stage, params: &Params) -> Vec<Table> {
    let all = all_artifacts(params).into_iter();
    all.filter(|artifact| artifact.stage == stage)
        .filter_map(|artifact| match artifact.kind {
            ArtifactKind::Table(table) => Some(table),
            ArtifactKind::Image(_) | ArtifactKind::Picture(_) => None,
        })
        .collect()
}

/// The scales that the parameters ask for; each has a difference image.
pub(crate) fn scale_kinds(params: &Params) -> Vec<ScaleKind> {
    let percentile = params.scale_percentile.map(ScaleKind::Percentile);
    let manual = params.manual_scale.map(|_| ScaleKind::Manual);
    [Some(ScaleKind::Moffat), percentile, manual]
        .into_iter()
        .flatten()
        .collect()
}

impl Artifact {
    fn new(kind: ArtifactKind, formats: CheckpointFormats) -> Self {
        let as_asked = match formats {
            CheckpointFormats::Tiff => TIFF,
            CheckpointFormats::Fits => FITS,
            CheckpointFormats::Both => BOTH,
        };
        match kind {
            ArtifactKind::Image(image) => Self {
                stage: image.stage(),
                kind,
                stem: image.stem(),
                formats: match image {
                    Image::Difference(_) | Image::DifferenceField => BOTH,
                    Image::PaddedPost
                    | Image::PaddedPre
                    | Image::CoarsePre
                    | Image::IcpPre
                    | Image::InteriorPre
                    | Image::Mask
                    | Image::Significance => as_asked,
                },
            },
            ArtifactKind::Picture(picture) => Self {
                stage: picture.stage(),
                kind,
                stem: picture.stem(),
                formats: picture.formats(),
            },
            ArtifactKind::Table(table) => Self {
                stage: table.stage(),
                kind,
                stem: table.stem().to_owned(),
                formats: table.formats(),
            },
        }
    }

    /// The formats it is written in, where it is an image.
    pub(crate) fn checkpoint_formats(&self) -> Vec<CheckpointFormat> {
        let formats = self.formats.iter();
        formats
            .filter_map(|format| match format {
                FileFormat::Checkpoint(format) => Some(*format),
                FileFormat::Png
                | FileFormat::Jpeg
                | FileFormat::Csv
                | FileFormat::Parquet
                | FileFormat::GeoJson
                | FileFormat::Regions => None,
            })
            .collect()
    }

    /// Its files below the task's folder, in every format that it may have been written in.
    pub(crate) fn paths_below(&self, paths: &TaskPaths, params: &Params) -> Vec<String> {
        let below = |path: PathBuf| relative_path(paths.dir(), &path);
        match self.kind {
            ArtifactKind::Image(image) => {
                let formats = CheckpointFormats::Both.list().iter();
                formats
                    .map(|&format| below(image.path(paths, params, format)))
                    .collect()
            }
            ArtifactKind::Picture(picture) => vec![below(picture.path(paths, params))],
            ArtifactKind::Table(table) => vec![below(table.path(paths, params))],
        }
    }
}

impl Image {
    /// The stage that writes it.
    pub(crate) fn stage(self) -> Stage {
        match self {
            Self::PaddedPost | Self::PaddedPre => Stage::Pad,
            Self::CoarsePre | Self::IcpPre => Stage::Coarse,
            Self::InteriorPre => Stage::Fine,
            Self::Difference(_) | Self::DifferenceField | Self::Mask => Stage::Difference,
            Self::Significance => Stage::Detection,
        }
    }

    /// The stage whose parameters, and those before it, decide what it shows and complete its name.
    pub(crate) fn named_by(self) -> Stage {
        match self {
            // No parameter of the scale changes what can be known of a pixel.
            Self::Mask => Stage::Fine,
            Self::PaddedPost
            | Self::PaddedPre
            | Self::CoarsePre
            | Self::IcpPre
            | Self::InteriorPre
            | Self::Difference(_)
            | Self::DifferenceField
            | Self::Significance => self.stage(),
        }
    }

    /// Whether a task that keeps these has it as a file.
    pub(crate) fn is_kept(self, kept: KeptCheckpoints, params: &Params) -> bool {
        match self {
            Self::Difference(_) | Self::DifferenceField | Self::Mask => true,
            Self::InteriorPre | Self::Significance => kept != KeptCheckpoints::None,
            Self::IcpPre if !params.interior_ecc => kept != KeptCheckpoints::None,
            Self::PaddedPost | Self::PaddedPre | Self::CoarsePre | Self::IcpPre => {
                kept == KeptCheckpoints::All
            }
        }
    }

    /// What its pixels are.
    pub(crate) fn pixels(self) -> PixelKind {
        match self {
            Self::Mask => PixelKind::Flags,
            Self::PaddedPost
            | Self::PaddedPre
            | Self::CoarsePre
            | Self::IcpPre
            | Self::InteriorPre
            | Self::Difference(_)
            | Self::DifferenceField
            | Self::Significance => PixelKind::Float,
        }
    }

    /// What the STAGE card of its header says.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Mask => MASK_STEM,
            Self::DifferenceField => FIELD_STEM,
            Self::Significance => SIGNIFICANCE_STEM,
            Self::PaddedPost
            | Self::PaddedPre
            | Self::CoarsePre
            | Self::IcpPre
            | Self::InteriorPre
            | Self::Difference(_) => self.stage().label(),
        }
    }

    /// Its file name without suffix and extension.
    pub(crate) fn stem(self) -> String {
        match self {
            Self::PaddedPost => "01_padded_post".to_owned(),
            Self::PaddedPre => "01_padded_pre".to_owned(),
            Self::CoarsePre => "02_icp_aligned_coarse_pre".to_owned(),
            Self::IcpPre => "02_icp_aligned_pre".to_owned(),
            Self::InteriorPre => "03_interior_aligned_pre".to_owned(),
            Self::Difference(ScaleKind::Moffat) => "04_difference_difference".to_owned(),
            Self::Difference(scale) => format!("04_difference_difference_{}", scale.label()),
            Self::Mask => MASK_STEM.to_owned(),
            Self::DifferenceField => FIELD_STEM.to_owned(),
            Self::Significance => SIGNIFICANCE_STEM.to_owned(),
        }
    }

    /// What the progress line says while it is written.
    pub(crate) fn writing(self) -> &'static str {
        match self {
            Self::PaddedPost => "writing padded post",
            Self::PaddedPre => "writing padded pre",
            Self::CoarsePre | Self::IcpPre => "writing coarsely aligned pre",
            Self::InteriorPre => "writing aligned pre",
            Self::Difference(_) | Self::DifferenceField | Self::Mask => "writing the difference",
            Self::Significance => "looking for microbes",
        }
    }

    /// Its file.
    pub(crate) fn path(
        self,
        paths: &TaskPaths,
        params: &Params,
        format: CheckpointFormat,
    ) -> PathBuf {
        paths.checkpoint_path(format, &self.stem(), &suffix(params, self.named_by()))
    }
}

impl Picture {
    /// The stage that draws it.
    pub(crate) fn stage(self) -> Stage {
        match self {
            Self::Plot(kind) => match kind {
                PictureKind::Registration | PictureKind::FineAlignment => Stage::Coarse,
                PictureKind::RegistrationResidual => Stage::Fine,
                PictureKind::PrePostHeatmap
                | PictureKind::ExcessHeatmap
                | PictureKind::PrePostHistograms
                | PictureKind::RatioHistogram
                | PictureKind::DifferenceHistogram
                | PictureKind::DifferenceImage => Stage::Difference,
                PictureKind::Microbes
                | PictureKind::MicrobeGallery
                | PictureKind::MicrobeDensity
                | PictureKind::MicrobeFluxes
                | PictureKind::MicrobeSizes
                | PictureKind::SignificanceHistogram => Stage::Detection,
            },
            Self::ComparisonPost | Self::ComparisonAlignedPre => Stage::Fine,
            Self::CloseUpsPost | Self::CloseUpsAlignedPre => Stage::Detection,
            Self::Difference(_) => Stage::Difference,
        }
    }

    /// What it is, and which of several.
    fn kind_and_variant(self) -> (&'static str, String) {
        match self {
            Self::Plot(kind) => (kind.guide().stem, String::new()),
            Self::Difference(scale) => {
                let variant = match scale {
                    ScaleKind::Moffat => String::new(),
                    ScaleKind::Percentile(_) | ScaleKind::Manual => scale.label(),
                };
                (PictureKind::DifferenceImage.guide().stem, variant)
            }
            Self::ComparisonPost => ("comparison_post", String::new()),
            Self::ComparisonAlignedPre => ("comparison_aligned_pre", String::new()),
            Self::CloseUpsPost => ("close_ups_post", String::new()),
            Self::CloseUpsAlignedPre => ("close_ups_aligned_pre", String::new()),
        }
    }

    /// Its file name without suffix and extension.
    pub(crate) fn stem(self) -> String {
        match self.kind_and_variant() {
            (kind, variant) if variant.is_empty() => kind.to_owned(),
            (kind, variant) => format!("{kind}_{variant}"),
        }
    }

    fn formats(self) -> &'static [FileFormat] {
        match self {
            Self::Plot(_) | Self::Difference(_) => &[FileFormat::Png],
            Self::ComparisonPost
            | Self::ComparisonAlignedPre
            | Self::CloseUpsPost
            | Self::CloseUpsAlignedPre => &[FileFormat::Jpeg],
        }
    }

    /// Its file. As in the Python program the name of every picture says how the whole task was run.
    pub(crate) fn path(self, paths: &TaskPaths, params: &Params) -> PathBuf {
        let suffix = suffix(params, Stage::LAST);
        match self {
            Self::Plot(_) | Self::Difference(_) => paths.plot_path(&self.stem(), &suffix),
            Self::ComparisonPost
            | Self::ComparisonAlignedPre
            | Self::CloseUpsPost
            | Self::CloseUpsAlignedPre => paths.preview_path(&self.stem(), &suffix),
        }
    }

    /// What a manifest says of it.
    pub(crate) fn record(self, paths: &TaskPaths, params: &Params) -> PictureRecord {
        let (kind, variant) = self.kind_and_variant();
        PictureRecord {
            kind: kind.to_owned(),
            variant,
            path: relative_path(paths.dir(), &self.path(paths, params)),
        }
    }

    /// Whether it is of no use without [`AlignmentRecord::comparison_factor`](crate::AlignmentRecord::comparison_factor).
    pub(crate) fn needs_factor(self) -> bool {
        match self {
            Self::ComparisonPost | Self::ComparisonAlignedPre => true,
            Self::Plot(_) | Self::Difference(_) | Self::CloseUpsPost | Self::CloseUpsAlignedPre => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_artifact_has_a_stem_of_its_own_in_the_order_of_the_stages() {
        let params = Params {
            save_all_intermediates: true,
            scale_percentile: Some(50.0),
            manual_scale: Some(1.5),
            scale_field: true,
            ..Params::default()
        };
        let (formats, whole) = (CheckpointFormats::Fits, KeptCheckpoints::All);
        let all = artifacts(&params, formats, whole);
        // A table has the same stem in each format.
        let stems: BTreeSet<(&str, Vec<String>)> = all
            .iter()
            .map(|artifact| {
                let formats = artifact.formats.iter().map(|format| format!("{format:?}"));
                (&*artifact.stem, formats.collect())
            })
            .collect();
        assert_eq!(stems.len(), all.len());
        assert!(all.is_sorted_by_key(|artifact| artifact.stage));
        let kept = |kept| {
            let images = |stage| images_of(stage, &params, formats, kept);
            Stage::ALL.map(|stage| images(stage).len())
        };
        assert_eq!(kept(KeptCheckpoints::All), [2, 2, 1, 5, 1]);
        assert_eq!(kept(KeptCheckpoints::Aligned), [0, 0, 1, 5, 1]);
        assert_eq!(kept(KeptCheckpoints::None), [0, 0, 0, 5, 0]);
        let images = |stage| images_of(stage, &params, formats, whole);
        for (image, artifact) in Stage::ALL.into_iter().flat_map(images) {
            assert!(artifact.stem.starts_with(image.label()), "{image:?}");
            let both = matches!(image, Image::Difference(_) | Image::DifferenceField);
            assert_eq!(artifact.formats, if both { BOTH } else { FITS });
        }
        let pictures = |stage| pictures_of(stage, &params).len();
        assert_eq!(Stage::ALL.map(pictures), [0, 2, 3, 8, 8]);
        let tables = |stage| tables_of(stage, &params).len();
        assert_eq!(Stage::ALL.map(tables), [0, 0, 0, 0, 4]);
        let none = Params {
            detect: false,
            ..params.clone()
        };
        assert!(
            all_artifacts(&none)
                .iter()
                .all(|artifact| artifact.stage < Stage::Detection)
        );
    }
}
