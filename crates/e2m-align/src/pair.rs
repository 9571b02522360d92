//! All steps for two images in memory.

use crate::coarse::{Similarity, align_coarse, similarity};
use crate::error::AlignError;
use crate::fine::align_fine;
use crate::options::{CoarseOptions, RefineOptions};
use crate::refine::Refinement;
use crate::residual::ResidualSummary;
use crate::tiles::{TileCollector, choose_tiles};
use e2m_image::{
    BandError, BandSource, BlockMean, Canvas, PlaneSource, PlaneView, Size, Warp, WarpedPlane,
    default_band_rows, preview_factor, stream_bands,
};
use ndarray::Array2;
use std::ops::ControlFlow;

/// Options of [`align`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlignOptions {
    /// Of the first step.
    pub coarse: CoarseOptions,
    /// Of the second.
    pub refine: RefineOptions,
}

/// A warp with what is known about its quality.
#[derive(Debug, Clone)]
pub struct Alignment {
    /// Post pixels to pre pixels.
    pub warp: Warp,
    /// The warp before refinement.
    pub coarse: Warp,
    /// How the refinement went.
    pub refinement: Refinement,
    /// Residual shifts on tiles that took no part in the fit; `None` where none could be measured.
    pub residual: Option<ResidualSummary>,
    /// Likeness of the whole at the working size.
    pub similarity: Similarity,
}

/// Aligns `pre` to `post`: array views of u8, u16 or f32, shape `(height, width)`, of the same or different sizes.
///
/// # Errors
/// See [`AlignError`]; all of them mean that no trustworthy warp exists for this pair.
pub fn align<'a>(
    post: impl Into<PlaneView<'a>>,
    pre: impl Into<PlaneView<'a>>,
    options: &AlignOptions,
) -> Result<Alignment, AlignError> {
    let (post, pre) = (post.into(), pre.into());
    let size = post.size();
    let factor = preview_factor(size.max(pre.size()), options.coarse.working_px);
    let post_preview = reduce(PlaneSource::new(post), factor);
    let coarse = align_coarse(
        post_preview.view(),
        reduce(PlaneSource::new(pre), factor).view(),
        factor,
        &options.coarse,
    )?;
    let plan = choose_tiles(
        post_preview.view(),
        factor,
        size,
        pre.size(),
        &coarse.warp,
        &options.refine,
    );
    let [fit, check] = [&plan.fit, &plan.check].map(|specs| {
        let mut collector = TileCollector::new(size, specs.iter().copied());
        pump(PlaneSource::new(post), &mut collector);
        collector.into_tiles()
    });
    let fine = align_fine(&fit, &check, size, pre, &coarse.warp, &options.refine);
    let canvas = Canvas::new(size, size, 0);
    let aligned = reduce(WarpedPlane::new(pre, canvas, fine.warp), factor);
    let similarity = similarity(&post_preview, &aligned);
    Ok(Alignment {
        warp: fine.warp,
        coarse: coarse.warp,
        refinement: fine.refinement,
        residual: fine.summary,
        similarity,
    })
}

fn reduce(source: impl BandSource, factor: usize) -> Array2<f32> {
    let mut preview = BlockMean::new(source.size(), factor);
    pump(source, &mut preview);
    preview.into_image()
}

/// Moves a source in memory into a sink of the same size, which cannot fail.
fn pump(mut source: impl BandSource, sink: &mut dyn e2m_image::BandSink) {
    let Size { width, .. } = source.size();
    let result: Result<(), BandError> =
        stream_bands(&mut source, &mut [sink], default_band_rows(width), |_| {
            ControlFlow::Continue(())
        });
    debug_assert!(result.is_ok(), "source and sink were made for one size");
}
