//! The diagnostic pictures of a task: from what the stages know to files in `pipeline_output`.

mod alignment;
mod difference;

pub(crate) use alignment::{draw_coarse, draw_residual};
pub(crate) use difference::{Counted, draw_difference};

use crate::error::PipelineError;
use crate::names::ScaleKind;
use crate::params::{Params, suffix};
use crate::run::TaskRun;
use crate::stages::difference::kinds;
use e2m_io::{TaskPaths, write_atomic};
use e2m_plot::{PlotError, Title};
use std::path::PathBuf;

/// A picture that a task draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Picture {
    /// Both images with their rings, and the coarse alignment.
    Registration,
    /// The rings before and after the fit by contour points.
    FineAlignment,
    /// The displacement that remains on tiles outside the fit.
    Residual,
    /// Joint histogram of brightness.
    PrePostHeatmap,
    /// What lies above the diagonal of it beyond its mirror image.
    ExcessHeatmap,
    /// Brightness of each image.
    PrePostHistograms,
    /// Post minus aligned pre.
    DifferenceHistogram,
    /// Ratios, fit and scales.
    RatioHistogram,
    /// The result, with this scale.
    DifferenceImage(ScaleKind),
}

impl Picture {
    /// The pictures that a stage draws.
    pub(crate) fn of_stage(stage: u8, params: &Params) -> Vec<Self> {
        match stage {
            2 => vec![Self::Registration, Self::FineAlignment],
            3 => vec![Self::Residual],
            4 => [
                Self::PrePostHeatmap,
                Self::ExcessHeatmap,
                Self::PrePostHistograms,
                Self::DifferenceHistogram,
                Self::RatioHistogram,
            ]
            .into_iter()
            .chain(kinds(params).into_iter().map(Self::DifferenceImage))
            .collect(),
            _ => Vec::new(),
        }
    }

    /// The stage that draws it.
    fn stage(self) -> u8 {
        match self {
            Self::Registration | Self::FineAlignment => 2,
            Self::Residual => 3,
            _ => 4,
        }
    }

    /// Its file name without suffix.
    pub(crate) fn stem(self) -> String {
        let stem = match self {
            Self::Registration => "registration",
            Self::FineAlignment => "fine_alignment",
            Self::Residual => "registration_residual",
            Self::PrePostHeatmap => "pre_post_heatmap",
            Self::ExcessHeatmap => "excess_heatmap",
            Self::PrePostHistograms => "pre_post_histograms",
            Self::DifferenceHistogram => "difference_histogram",
            Self::RatioHistogram => "ratio_histogram",
            Self::DifferenceImage(ScaleKind::Moffat) => "difference_image",
            Self::DifferenceImage(kind) => return format!("difference_image_{}", kind.label()),
        };
        stem.to_owned()
    }

    fn path(self, paths: &TaskPaths, params: &Params) -> PathBuf {
        paths.plot_path(&self.stem(), &suffix(params, self.stage()))
    }
}

/// The pictures of a stage that are not there.
pub(crate) fn missing(run: &TaskRun<'_>, stage: u8) -> Vec<Picture> {
    let params = &run.spec.params;
    let mut pictures = Picture::of_stage(stage, params);
    pictures.retain(|picture| !picture.path(&run.output.paths, params).is_file());
    pictures
}

fn title(run: &TaskRun<'_>) -> Title {
    Title {
        sample: run.spec.sample.clone(),
        dye: run.spec.dye.clone(),
    }
}

fn write(
    run: &TaskRun<'_>,
    picture: Picture,
    drawn: Result<Vec<u8>, PlotError>,
) -> Result<(), PipelineError> {
    let png = drawn.map_err(|source| PipelineError::Plot {
        stem: picture.stem(),
        source,
    })?;
    let path = picture.path(&run.output.paths, &run.spec.params);
    write_atomic(&path, &png).map_err(|error| {
        PipelineError::io(&path, "writing the picture")(std::io::Error::other(error))
    })
}
