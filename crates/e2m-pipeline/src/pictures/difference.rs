//! The pictures of the difference, drawn from what was counted as the bands went by.

use super::{Picture, title, write};
use crate::error::PipelineError;
use crate::names::ScaleKind;
use crate::run::TaskRun;
use e2m_plot::{
    BrightnessHistogram, DifferenceHistogram, DifferenceHistogramPicture, DifferenceImagePicture,
    DifferenceSummary, ExcessHeatmapPicture, JointHistogram, MoffatProfile, PictureKind,
    PrePostHeatmapPicture, PrePostHistogramsPicture, RatioHistogramPicture, RatioPeak, ScaleLine,
    ScaleMethod, draw_difference_histogram, draw_difference_image, draw_excess_heatmap,
    draw_pre_post_heatmap, draw_pre_post_histograms, draw_ratio_histogram,
};
use e2m_scale::{MoffatScale, PixelRatios};

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

/// Draws all pictures of stage 4. The scales come with their difference images.
pub(crate) fn draw_difference(
    run: &mut TaskRun<'_>,
    counted: &Counted,
    images: &[(ScaleKind, DifferenceSummary)],
) -> Result<(), PipelineError> {
    let title = title(run);
    let scales: Vec<ScaleLine> = images
        .iter()
        .map(|(kind, image)| line(*kind, image))
        .collect();
    let joint = &counted.joint;
    let drawn = draw_pre_post_heatmap(&PrePostHeatmapPicture {
        title: &title,
        joint,
    });
    write(run, Picture::Plot(PictureKind::PrePostHeatmap), drawn)?;
    let drawn = draw_excess_heatmap(&ExcessHeatmapPicture {
        title: &title,
        joint,
        scales: &scales,
    });
    write(run, Picture::Plot(PictureKind::ExcessHeatmap), drawn)?;
    let drawn = draw_pre_post_histograms(&PrePostHistogramsPicture {
        title: &title,
        pre: &counted.pre,
        post: &counted.post,
        aligned: &counted.aligned,
    });
    write(run, Picture::Plot(PictureKind::PrePostHistograms), drawn)?;
    let drawn = draw_difference_histogram(&DifferenceHistogramPicture {
        title: &title,
        differences: &counted.differences,
    });
    write(run, Picture::Plot(PictureKind::DifferenceHistogram), drawn)?;
    let ratios = counted
        .ratios
        .histogram(-RATIO_REACH, RATIO_REACH, RATIO_BINS);
    let counts: Vec<u64> = ratios.iter().map(|pixels| pixels.round() as u64).collect();
    let peak = counted.peak.as_ref().map(ratio_peak);
    let drawn = draw_ratio_histogram(&RatioHistogramPicture {
        title: &title,
        low: -RATIO_REACH,
        high: RATIO_REACH,
        counts: &counts,
        peak,
        scales: &scales,
    });
    write(run, Picture::Plot(PictureKind::RatioHistogram), drawn)?;
    for (line, (kind, difference)) in scales.iter().zip(images) {
        let drawn = draw_difference_image(&DifferenceImagePicture {
            title: &title,
            difference,
            method: &line.method.to_string(),
        });
        write(run, Picture::Difference(*kind), drawn)?;
    }
    Ok(())
}

fn line(kind: ScaleKind, image: &DifferenceSummary) -> ScaleLine {
    ScaleLine {
        method: match kind {
            ScaleKind::Moffat => ScaleMethod::Moffat,
            ScaleKind::Percentile(percent) => ScaleMethod::Percentile(percent),
            ScaleKind::Manual => ScaleMethod::Manual,
        },
        value: image.scale,
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
