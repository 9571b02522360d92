//! The pictures of stage 5, drawn from the catalogue.

use super::alignment::post_preview;
use super::{PictureTarget, draw, stand_in, title};
use crate::artifact::Picture;
use crate::background::{Done, Lane};
use crate::error::PipelineError;
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_detect::{Catalogue, DensityCell, SignificanceHistogram};
use e2m_plot::{
    CloseUp, CloseUpsPicture, GalleryGroup, MicrobeDensityPicture, MicrobeGalleryPicture,
    MicrobeHistogramPicture, MicrobePlace, MicrobeQuantity, MicrobesPicture, PictureKind, Preview,
    SignificanceHistogramPicture, draw_close_ups, draw_microbe_density, draw_microbe_gallery,
    draw_microbe_histogram, draw_microbes, draw_significance_histogram,
};
use ndarray::Array2;

/// Objects that are shown with what lies around them.
pub(crate) struct Gallery {
    pub(crate) groups: Vec<GalleryGroup>,
    /// Width and height of what is shown of each, px.
    pub(crate) side_px: usize,
}

/// Places that are shown pixel by pixel.
pub(crate) struct CloseUps {
    pub(crate) places: Vec<CloseUp>,
    /// Width and height of each, px.
    pub(crate) side_px: usize,
}

/// What was cut out of post and aligned pre at full resolution.
pub(crate) struct Crops {
    pub(crate) gallery: Gallery,
    pub(crate) close_ups: CloseUps,
}

/// Draws the microbes on post, and how the significance is distributed.
pub(crate) fn draw_detection(
    bench: &mut Workbench<'_>,
    catalogue: &Catalogue,
    crops: Crops,
) -> Result<(), PipelineError> {
    let (previews, of_microbes) = (bench.previews()?, title(bench));
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
    let (of_gallery, gallery) = (title(bench), crops.gallery);
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
    draw_close_ups_of(bench, crops.close_ups)?;
    draw_density(bench, catalogue)?;
    draw_histograms(bench, catalogue)?;
    let (histogram, of_histogram) = (catalogue.histogram.clone(), title(bench));
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

/// Draws a few places of post and of aligned pre.
fn draw_close_ups_of(bench: &mut Workbench<'_>, close_ups: CloseUps) -> Result<(), PipelineError> {
    let targets = [Picture::CloseUpsPost, Picture::CloseUpsAlignedPre]
        .map(|picture| PictureTarget::new(bench.task, picture));
    let um_per_px = bench.um_per_px();
    bench.start(Lane::Drawing, Stage::Detection, "drawing", move |_| {
        let [post_target, aligned_target] = targets;
        let [post, aligned] = match stand_in() {
            Some(bytes) => [bytes.clone(), bytes],
            None => {
                let drawn = draw_close_ups(&CloseUpsPicture {
                    places: &close_ups.places,
                    side_px: close_ups.side_px,
                    um_per_px,
                });
                let drawn = drawn.map_err(post_target.failed())?;
                [drawn.post, drawn.aligned]
            }
        };
        Ok(Done {
            pictures: vec![post_target.write(&post)?, aligned_target.write(&aligned)?],
            ..Done::default()
        })
    })
}

/// A cell of which less than this share is section says little about its density.
const LEAST_SECTION: f64 = 0.25;

/// Draws how many microbes there are where, per mm^2 where the size of a pixel is known.
fn draw_density(bench: &mut Workbench<'_>, catalogue: &Catalogue) -> Result<(), PipelineError> {
    let of_picture = title(bench);
    let (mm2_per_mpx, unit) = match bench.um_per_px() {
        Some([x, y]) => (x * y, "microbes per mm²"),
        None => (1.0, "microbes per Mpx"),
    };
    let least = LEAST_SECTION * (DensityCell::SIDE_PX * DensityCell::SIDE_PX) as f64;
    let columns = catalogue.cell_columns.max(1);
    let rows = catalogue.cells.len() / columns;
    let cells = Array2::from_shape_fn((rows, columns), |(y, x)| {
        let cell = catalogue.cells[y * columns + x];
        let area = cell.section_px as f64 * 1e-6 * mm2_per_mpx;
        if (cell.section_px as f64) < least {
            f32::NAN
        } else {
            (cell.objects as f64 / area) as f32
        }
    });
    draw(
        bench,
        Picture::Plot(PictureKind::MicrobeDensity),
        move || {
            draw_microbe_density(&MicrobeDensityPicture {
                title: &of_picture,
                cells: Preview {
                    pixels: cells.view(),
                    factor: DensityCell::SIDE_PX as f64,
                },
                unit,
            })
        },
    )
}

/// Points of the curve of what is found.
const CURVE: usize = 200;

/// Draws how bright and how long the microbes are.
fn draw_histograms(bench: &mut Workbench<'_>, catalogue: &Catalogue) -> Result<(), PipelineError> {
    let fluxes: Vec<f64> = catalogue.microbes().map(|o| o.flux).collect();
    let lengths: Vec<f64> = catalogue.microbes().map(|o| o.length_px).collect();
    let found = catalogue.completeness.as_ref().map_or_else(Vec::new, |c| {
        let middle = c.flux_50.unwrap_or(1.0);
        let area = c.median_effective_area_px;
        // From a twentieth of the flux that half are found of to 5,000 times as much.
        let fluxes = (0..=CURVE).map(|i| middle * 0.05 * 1e5f64.powf(i as f64 / CURVE as f64));
        fluxes
            .map(|flux| (flux, c.probability(flux, area)))
            .collect()
    });
    for (kind, quantity, values, found) in [
        (
            PictureKind::MicrobeFluxes,
            MicrobeQuantity::Flux,
            fluxes,
            found,
        ),
        (
            PictureKind::MicrobeSizes,
            MicrobeQuantity::Length,
            lengths,
            Vec::new(),
        ),
    ] {
        let of_picture = title(bench);
        draw(bench, Picture::Plot(kind), move || {
            draw_microbe_histogram(&MicrobeHistogramPicture {
                title: &of_picture,
                quantity,
                values: &values,
                found: &found,
            })
        })?;
    }
    Ok(())
}
