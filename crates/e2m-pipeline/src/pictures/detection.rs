//! The pictures of stage 5, drawn from the catalogue.

use super::alignment::post_preview;
use super::{draw, title};
use crate::artifact::Picture;
use crate::error::PipelineError;
use crate::workbench::Workbench;
use e2m_detect::{Catalogue, SignificanceHistogram};
use e2m_plot::{
    GalleryGroup, MicrobeGalleryPicture, MicrobePlace, MicrobesPicture, PictureKind,
    SignificanceHistogramPicture, draw_microbe_gallery, draw_microbes, draw_significance_histogram,
};

/// Objects that are shown with what lies around them.
pub(crate) struct Gallery {
    pub(crate) groups: Vec<GalleryGroup>,
    /// Width and height of what is shown of each, px.
    pub(crate) side_px: usize,
}

/// Draws the microbes on post, and how the significance is distributed.
pub(crate) fn draw_detection(
    bench: &mut Workbench<'_>,
    catalogue: &Catalogue,
    gallery: Gallery,
) -> Result<(), PipelineError> {
    let (previews, of_microbes) = (bench.previews()?, title(bench.task));
    let pad = bench.task.canvas.pad() as f64;
    let places: Vec<MicrobePlace> = catalogue
        .objects
        .iter()
        .map(|object| MicrobePlace {
            x: object.x_px,
            y: object.y_px,
            radius_px: 0.5 * object.length_px.max(1.0),
            counts: object.flags.counts(),
        })
        .collect();
    let (density, expected_false) = (catalogue.density, catalogue.false_positives.expected);
    draw(bench, Picture::Plot(PictureKind::Microbes), move || {
        draw_microbes(&MicrobesPicture {
            title: &of_microbes,
            post: post_preview(&previews),
            origin: (pad, pad),
            places: &places,
            per_megapixel: density.per_megapixel,
            interval_95: density.interval_95,
            expected_false,
        })
    })?;
    let of_gallery = title(bench.task);
    draw(
        bench,
        Picture::Plot(PictureKind::MicrobeGallery),
        move || {
            draw_microbe_gallery(&MicrobeGalleryPicture {
                title: &of_gallery,
                groups: &gallery.groups,
                side_px: gallery.side_px,
            })
        },
    )?;
    let (histogram, of_histogram) = (catalogue.histogram.clone(), title(bench.task));
    let background = catalogue.background;
    let threshold = bench.task.spec.params.detect_sigma;
    let picture = Picture::Plot(PictureKind::SignificanceHistogram);
    draw(bench, picture, move || {
        draw_significance_histogram(&SignificanceHistogramPicture {
            title: &of_histogram,
            low: SignificanceHistogram::LOW,
            step: SignificanceHistogram::STEP,
            background: &histogram.background,
            all: &histogram.all,
            mean: background.mean,
            std_dev: background.std_dev,
            threshold,
        })
    })
}
