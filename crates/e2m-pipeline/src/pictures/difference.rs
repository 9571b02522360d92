//! The pictures of the difference, drawn from what was counted as the bands went by.

use super::{draw, title};
use crate::artifact::Picture;
use crate::error::PipelineError;
use crate::names::ScaleKind;
use crate::workbench::Workbench;
use e2m_plot::{
    BrightnessHistogram, DifferenceHistogram, DifferenceHistogramPicture, DifferenceImagePicture,
    DifferenceSummary, ExcessHeatmapPicture, JointHistogram, MoffatProfile, PictureKind, PlotError,
    PrePostHeatmapPicture, PrePostHistogramsPicture, RatioHistogramPicture, RatioPeak, ScaleLine,
    ScaleMethod, Title, draw_difference_histogram, draw_difference_image, draw_excess_heatmap,
    draw_pre_post_heatmap, draw_pre_post_histograms, draw_ratio_histogram,
};
use e2m_scale::{MoffatScale, PixelRatios, Subtraction};
use std::sync::Arc;

/// log10 of the ratios that the histogram of single pixels holds: factors of 1/100 and 100.
const RATIO_REACH: f64 = 2.0;
/// Its bins, of 0.46 %.
const RATIO_BINS: usize = 2000;

/// What was counted on a pair.
pub(crate) struct Counted {
    pub(crate) joint: JointHistogram,
    pub(crate) differences: DifferenceHistogram,
    /// Brightness of raw post, raw pre and aligned pre.
    pub(crate) post: BrightnessHistogram,
    pub(crate) pre: BrightnessHistogram,
    pub(crate) aligned: BrightnessHistogram,
    /// Ratios of single pixels.
    pub(crate) ratios: PixelRatios,
    /// The peak of the ratios, if there is one.
    pub(crate) peak: Option<MoffatScale>,
}

/// Draws the pictures of stage 4 that show what was counted, with the scales that difference images are made with.
pub(crate) fn draw_counted(
    bench: &mut Workbench<'_>,
    counted: Counted,
    scales: &[(ScaleKind, Subtraction)],
) -> Result<(), PipelineError> {
    let scene = Arc::new(Scene {
        title: title(bench),
        counted,
        scales: scales
            .iter()
            .map(|&(kind, subtraction)| ScaleLine {
                method: method(kind),
                value: subtraction.scale,
                offset: subtraction.offset(),
            })
            .collect(),
    });
    let pictures: [(PictureKind, Drawing); 5] = [
        (PictureKind::PrePostHeatmap, Scene::pre_post_heatmap),
        (PictureKind::ExcessHeatmap, Scene::excess_heatmap),
        (PictureKind::PrePostHistograms, Scene::pre_post_histograms),
        (
            PictureKind::DifferenceHistogram,
            Scene::difference_histogram,
        ),
        (PictureKind::RatioHistogram, Scene::ratio_histogram),
    ];
    for (kind, drawn) in pictures {
        let scene = Arc::clone(&scene);
        draw(bench, Picture::Plot(kind), move || drawn(&scene))?;
    }
    Ok(())
}

/// Draws the difference images.
pub(crate) fn draw_difference_images(
    bench: &mut Workbench<'_>,
    images: Vec<(ScaleKind, DifferenceSummary)>,
) -> Result<(), PipelineError> {
    for (kind, difference) in images {
        let title = title(bench);
        draw(bench, Picture::Difference(kind), move || {
            draw_difference_image(&DifferenceImagePicture {
                title: &title,
                difference: &difference,
                method: &method(kind).to_string(),
            })
        })?;
    }
    Ok(())
}

/// Draws one of the pictures.
type Drawing = fn(&Scene) -> Result<Vec<u8>, PlotError>;

/// What the pictures of the counts are drawn from.
struct Scene {
    title: Title,
    counted: Counted,
    scales: Vec<ScaleLine>,
}

impl Scene {
    fn pre_post_heatmap(&self) -> Result<Vec<u8>, PlotError> {
        draw_pre_post_heatmap(&PrePostHeatmapPicture {
            title: &self.title,
            joint: &self.counted.joint,
        })
    }

    fn excess_heatmap(&self) -> Result<Vec<u8>, PlotError> {
        draw_excess_heatmap(&ExcessHeatmapPicture {
            title: &self.title,
            joint: &self.counted.joint,
            scales: &self.scales,
        })
    }

    fn pre_post_histograms(&self) -> Result<Vec<u8>, PlotError> {
        draw_pre_post_histograms(&PrePostHistogramsPicture {
            title: &self.title,
            pre: &self.counted.pre,
            post: &self.counted.post,
            aligned: &self.counted.aligned,
        })
    }

    fn difference_histogram(&self) -> Result<Vec<u8>, PlotError> {
        draw_difference_histogram(&DifferenceHistogramPicture {
            title: &self.title,
            differences: &self.counted.differences,
        })
    }

    fn ratio_histogram(&self) -> Result<Vec<u8>, PlotError> {
        let ratios = &self.counted.ratios;
        let ratios = ratios.histogram(-RATIO_REACH, RATIO_REACH, RATIO_BINS);
        let counts: Vec<u64> = ratios.iter().map(|pixels| pixels.round() as u64).collect();
        draw_ratio_histogram(&RatioHistogramPicture {
            title: &self.title,
            low: -RATIO_REACH,
            high: RATIO_REACH,
            counts: &counts,
            peak: self.counted.peak.as_ref().map(ratio_peak),
            scales: &self.scales,
        })
    }
}

fn method(kind: ScaleKind) -> ScaleMethod {
    match kind {
        ScaleKind::Moffat => ScaleMethod::Moffat,
        ScaleKind::Percentile(percent) => ScaleMethod::Percentile(percent),
        ScaleKind::Manual => ScaleMethod::Manual,
    }
}

fn ratio_peak(scale: &MoffatScale) -> RatioPeak<'_> {
    RatioPeak {
        scale: scale.value,
        std_error: scale.std_error,
        block_side_px: scale.block_side_px,
        mu: scale.profile.mu,
        bin_width: scale.profile.bin_width,
        counts: &scale.profile.counts,
        fit: scale.fit.as_ref().map(|fit| MoffatProfile {
            amp: fit.amp,
            mu: fit.mu,
            alpha: fit.alpha,
            beta: fit.beta,
        }),
    }
}
