//! The pictures of the alignment, drawn from previews.

use super::{PictureTarget, draw, title};
use crate::artifact::Picture;
use crate::background::{Done, Lane};
use crate::error::PipelineError;
use crate::stage::Stage;
use crate::workbench::Workbench;
use e2m_align::{Check, CoarseChoice, Previews, SectionOutline, TileSpec};
use e2m_image::{Canvas, Mapping, Size, Warp, preview_factor, sample_bilinear};
use e2m_plot::{
    ComparisonPicture, Contour, FineAlignmentPicture, PictureKind, PlotError, Preview,
    RegistrationPicture, ResidualArrow, ResidualPicture, Title, draw_comparison,
    draw_fine_alignment, draw_registration, draw_registration_residual,
};
use ndarray::{Array2, ArrayView2};
use std::sync::Arc;

/// Longer side of a picture of the canvas, px.
const CANVAS_PICTURE_PX: usize = 1000;

/// Draws what stage 2 found: the coarse alignment and, where the sections have outlines, the fit of these.
pub(crate) fn draw_coarse(
    bench: &mut Workbench<'_>,
    found: CoarseChoice,
) -> Result<(), PipelineError> {
    let scene = Arc::new(Coarse {
        previews: bench.previews()?,
        title: title(bench),
        canvas: bench.task.canvas,
        found,
    });
    let same = Arc::clone(&scene);
    let registration = Picture::Plot(PictureKind::Registration);
    draw(bench, registration, move || same.registration())?;
    let fine = Picture::Plot(PictureKind::FineAlignment);
    draw(bench, fine, move || scene.fine_alignment())
}

/// What the pictures of stage 2 are drawn from.
struct Coarse {
    previews: Arc<Previews>,
    title: Title,
    canvas: Canvas,
    found: CoarseChoice,
}

impl Coarse {
    fn registration(&self) -> Result<Vec<u8>, PlotError> {
        let (previews, onto) = (&self.previews, self.onto());
        let post = self.on_canvas(previews.post(), &onto);
        let pre = self.on_canvas(previews.pre(), &onto);
        let aligned = self.on_canvas(previews.pre(), &onto.then(&self.found.warp));
        let upright = Warp::identity();
        draw_registration(&RegistrationPicture {
            title: &self.title,
            method: &self.found.method.to_string(),
            post: self.view(&post),
            pre: self.view(&pre),
            aligned: self.view(&aligned),
            post_contours: &self.rings(0, &upright),
            pre_contours: &self.rings(1, &upright),
            aligned_contours: &self.rings_of_pre(&self.found.warp),
        })
    }

    fn fine_alignment(&self) -> Result<Vec<u8>, PlotError> {
        let post = self.on_canvas(self.previews.post(), &self.onto());
        draw_fine_alignment(&FineAlignmentPicture {
            title: &self.title,
            post: self.view(&post),
            post_contours: &self.rings(0, &Warp::identity()),
            coarse_contours: &self.rings_of_pre(&self.found.first),
            refined_contours: &self.rings_of_pre(&self.found.warp),
        })
    }

    /// From canvas to raw pixels.
    fn onto(&self) -> Warp {
        let pad = self.canvas.pad() as f64;
        Warp::translation(-pad, -pad)
    }

    fn factor(&self) -> usize {
        preview_factor(self.canvas.size(), CANVAS_PICTURE_PX)
    }

    fn on_canvas(&self, image: ArrayView2<'_, f32>, warp: &Warp) -> Array2<f32> {
        let image_factor = self.previews.factor();
        let mapping = warp.into();
        seen_on_canvas(
            image,
            image_factor,
            &mapping,
            self.canvas.size(),
            self.factor(),
        )
    }

    fn view<'p>(&self, image: &'p Array2<f32>) -> Preview<'p> {
        Preview {
            pixels: image.view(),
            factor: self.factor() as f64,
        }
    }

    /// The outlines of pre where `warp` (post to pre, raw pixels) puts them in post; none where it has no opposite.
    fn rings_of_pre(&self, warp: &Warp) -> Vec<Contour> {
        let back = warp.inverse();
        back.map_or_else(Vec::new, |back| self.rings(1, &back))
    }

    /// The outlines of post (0) or pre (1) on the canvas after `warp` (raw pixels).
    fn rings(&self, side: usize, warp: &Warp) -> Vec<Contour> {
        let outlines = self.found.boundary.as_ref().map(|b| &b.outlines);
        outlines.map_or_else(Vec::new, |o| contours(&o[side], warp, self.canvas))
    }
}

/// A preview seen on the canvas reduced by `factor`; `mapping` maps canvas pixels to the preview's full-resolution pixels.
/// NaN where there is no image.
fn seen_on_canvas(
    image: ArrayView2<'_, f32>,
    image_factor: usize,
    mapping: &Mapping,
    canvas: Size,
    factor: usize,
) -> Array2<f32> {
    let k = 1.0 / image_factor as f64;
    let small = mapping.warp.at_reduced_resolution(1.0 / factor as f64, k);
    let full = Warp::enlargement(1.0 / factor as f64);
    let (height, width) = image.dim();
    let shape = (canvas.height / factor, canvas.width / factor);
    Array2::from_shape_fn(shape, |(y, x)| {
        let (x, y) = (x as f64, y as f64);
        let (mut u, mut v) = small.apply(x, y);
        if let Some(field) = &mapping.deformation {
            let (x, y) = full.apply(x, y);
            let (dx, dy) = field.at(x, y);
            (u, v) = (u + k * dx, v + k * dy);
        }
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
fn contours(outline: &SectionOutline, warp: &Warp, canvas: Canvas) -> Vec<Contour> {
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

/// Draws post and pre through `mapping` (raw pixels) as two images to be compared, both in the frame of post; how many
/// full-resolution px a px of them is goes into the manifest.
pub(crate) fn draw_comparison_of(
    bench: &mut Workbench<'_>,
    mapping: Mapping,
) -> Result<(), PipelineError> {
    let (previews, um_per_px) = (bench.previews()?, bench.um_per_px());
    let targets = [Picture::ComparisonPost, Picture::ComparisonAlignedPre]
        .map(|picture| PictureTarget::new(bench.task, picture));
    bench.start(Lane::Drawing, Stage::Fine, "drawing", move |_| {
        let factor = previews.factor();
        let (height, width) = previews.post().dim();
        let frame = Size::new(width * factor, height * factor);
        let aligned = seen_on_canvas(previews.pre(), factor, &mapping, frame, factor);
        let [post_target, aligned_target] = targets;
        let drawn = draw_comparison(&ComparisonPicture {
            post: post_preview(&previews),
            aligned: Preview {
                pixels: aligned.view(),
                factor: factor as f64,
            },
            um_per_px,
        })
        .map_err(post_target.failed())?;
        Ok(Done {
            pictures: vec![
                post_target.write(&drawn.post)?,
                aligned_target.write(&drawn.aligned)?,
            ],
            comparison_factor: Some(drawn.factor),
            ..Done::default()
        })
    })
}

/// Draws the residual shifts of the check tiles as arrows on post.
pub(crate) fn draw_residual(bench: &mut Workbench<'_>, check: Check) -> Result<(), PipelineError> {
    let (previews, title) = (bench.previews()?, title(bench));
    let pad = bench.task.canvas.pad() as f64;
    let picture = Picture::Plot(PictureKind::RegistrationResidual);
    draw(bench, picture, move || {
        draw_registration_residual(&ResidualPicture {
            title: &title,
            post: post_preview(&previews),
            origin: (pad, pad),
            arrows: &arrows(&check, pad),
        })
    })
}

/// The shifts of the check tiles, on the canvas.
fn arrows(check: &Check, pad: f64) -> Vec<ResidualArrow> {
    let arrow = |tile: &TileSpec| {
        let (x, y) = tile.centre();
        let shift = check.residuals.iter().find(|r| r.tile == *tile);
        ResidualArrow {
            x: x + pad,
            y: y + pad,
            dx: shift.map_or(0.0, |r| r.dx),
            dy: shift.map_or(0.0, |r| r.dy),
            ok: shift.is_some(),
        }
    };
    check.tiles.iter().map(arrow).collect()
}

pub(super) fn post_preview(previews: &Previews) -> Preview<'_> {
    Preview {
        pixels: previews.post(),
        factor: previews.factor() as f64,
    }
}
