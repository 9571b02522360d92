//! The pictures of the alignment, drawn from previews.

use super::{Picture, title, write};
use crate::error::PipelineError;
use crate::run::TaskRun;
use e2m_align::{Check, CoarseChoice, Outline, Previews};
use e2m_image::{Canvas, Size, Warp, preview_factor, sample_bilinear};
use e2m_plot::{
    ComparisonPicture, Contour, FineAlignmentPicture, PictureKind, Preview, RegistrationPicture,
    ResidualArrow, ResidualPicture, draw_comparison, draw_fine_alignment, draw_registration,
    draw_registration_residual,
};
use ndarray::{Array2, ArrayView2};

/// Longer side of a picture of the canvas, px.
const CANVAS_PICTURE_PX: usize = 1000;

/// Draws what stage 2 found: the coarse alignment and, where the sections have outlines, the fit of these.
pub(crate) fn draw_coarse(
    run: &mut TaskRun<'_>,
    found: &CoarseChoice,
) -> Result<(), PipelineError> {
    let Some(previews) = &run.previews else {
        return Err(PipelineError::MissingStage { stage: 2, needs: 1 });
    };
    let title = title(run);
    let canvas = run.canvas;
    let factor = preview_factor(canvas.size(), CANVAS_PICTURE_PX);
    let pad = canvas.pad() as f64;
    let onto = Warp::translation(-pad, -pad);
    let on_canvas = |image: ArrayView2<'_, f32>, warp: &Warp| {
        seen_on_canvas(image, previews.factor(), warp, canvas.size(), factor)
    };
    let (post, pre, aligned) = (
        on_canvas(previews.post(), &onto),
        on_canvas(previews.pre(), &onto),
        on_canvas(previews.pre(), &onto.then(&found.warp)),
    );
    let view = |image| Preview {
        pixels: image,
        factor: factor as f64,
    };
    let outlines = found.boundary.as_ref().map(|b| &b.outlines);
    let rings = |side: usize, warp: &Warp| {
        outlines.map_or_else(Vec::new, |o| contours(&o[side], warp, canvas))
    };
    let upright = Warp::identity();
    let (post_ring, pre_ring) = (rings(0, &upright), rings(1, &upright));
    let registration = draw_registration(&RegistrationPicture {
        title: &title,
        method: &found.method.to_string(),
        post: view(post.view()),
        pre: view(pre.view()),
        aligned: view(aligned.view()),
        post_contours: &post_ring,
        pre_contours: &pre_ring,
        aligned_contours: &rings(1, &found.warp.inverse()),
    });
    write(run, Picture::Plot(PictureKind::Registration), registration)?;
    let fine = draw_fine_alignment(&FineAlignmentPicture {
        title: &title,
        post: view(post.view()),
        post_contours: &post_ring,
        coarse_contours: &rings(1, &found.first.inverse()),
        refined_contours: &rings(1, &found.warp.inverse()),
    });
    write(run, Picture::Plot(PictureKind::FineAlignment), fine)
}

/// A preview seen on the canvas reduced by `factor`; `warp` maps canvas pixels to the preview's full-resolution pixels.
/// NaN where there is no image.
fn seen_on_canvas(
    image: ArrayView2<'_, f32>,
    image_factor: usize,
    warp: &Warp,
    canvas: Size,
    factor: usize,
) -> Array2<f32> {
    let small = warp.at_reduced_resolution(1.0 / factor as f64, 1.0 / image_factor as f64);
    let (height, width) = image.dim();
    let shape = (canvas.height / factor, canvas.width / factor);
    Array2::from_shape_fn(shape, |(y, x)| {
        let (x, y) = (x as f64, y as f64);
        let (u, v) = small.apply(x, y);
        let inside = u > -0.5 && v > -0.5 && u < width as f64 - 0.5 && v < height as f64 - 0.5;
        if small.is_in_front(x, y) && inside {
            let (u, v) = (
                u.clamp(0.0, width as f64 - 1.0),
                v.clamp(0.0, height as f64 - 1.0),
            );
            sample_bilinear(image, u, v)
        } else {
            f32::NAN
        }
    })
}

/// An outline on the canvas after `warp` (raw pixels).
fn contours(outline: &Outline, warp: &Warp, canvas: Canvas) -> Vec<Contour> {
    let pad = canvas.pad() as f64;
    outline
        .paths
        .iter()
        .map(|path| {
            path.iter()
                .map(|[x, y]| {
                    let (u, v) = warp.apply(*x, *y);
                    (u + pad, v + pad)
                })
                .collect()
        })
        .collect()
}

/// Draws post and pre through `warp` (raw pixels) as two images to be compared, both in the frame of post; answers with how
/// many full-resolution px a px of them is.
pub(crate) fn draw_comparison_of(run: &mut TaskRun<'_>, warp: &Warp) -> Result<f64, PipelineError> {
    let Some(previews) = &run.previews else {
        return Err(PipelineError::MissingStage { stage: 3, needs: 2 });
    };
    let factor = previews.factor();
    let (height, width) = previews.post().dim();
    let frame = Size::new(width * factor, height * factor);
    let aligned = seen_on_canvas(previews.pre(), factor, warp, frame, factor);
    let view = |image| Preview {
        pixels: image,
        factor: factor as f64,
    };
    let drawn = draw_comparison(&ComparisonPicture {
        post: view(previews.post()),
        aligned: view(aligned.view()),
    })
    .map_err(|source| PipelineError::Plot {
        stem: Picture::Comparison(0).stem(),
        source,
    })?;
    write(run, Picture::Comparison(0), Ok(drawn.post))?;
    write(run, Picture::Comparison(1), Ok(drawn.aligned))?;
    Ok(drawn.factor)
}

/// Draws the residual shifts of the check tiles as arrows on post.
pub(crate) fn draw_residual(run: &mut TaskRun<'_>, check: &Check) -> Result<(), PipelineError> {
    let Some(previews) = &run.previews else {
        return Err(PipelineError::MissingStage { stage: 3, needs: 2 });
    };
    let title = title(run);
    let arrows: Vec<ResidualArrow> = check
        .tiles
        .iter()
        .map(|tile| {
            let (x, y) = tile.centre();
            let shift = check.residuals.iter().find(|r| r.tile == *tile);
            ResidualArrow {
                x,
                y,
                dx: shift.map_or(0.0, |r| r.dx),
                dy: shift.map_or(0.0, |r| r.dy),
                ok: shift.is_some(),
            }
        })
        .collect();
    let drawn = draw_registration_residual(&ResidualPicture {
        title: &title,
        post: post_preview(previews),
        arrows: &arrows,
    });
    write(run, Picture::Plot(PictureKind::RegistrationResidual), drawn)
}

fn post_preview(previews: &Previews) -> Preview<'_> {
    Preview {
        pixels: previews.post(),
        factor: previews.factor() as f64,
    }
}
