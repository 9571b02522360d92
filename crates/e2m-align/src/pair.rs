//! All steps for two images in memory.

use crate::boundary::BoundaryOptions;
use crate::check::Check;
use crate::choice::{CoarseChoice, CoarseMethod};
use crate::error::AlignError;
use crate::fine::align_fine;
use crate::interior::{InteriorCorrection, InteriorOptions};
use crate::options::{CoarseOptions, RefineOptions};
use crate::previews::Previews;
use crate::refine::Refinement;
use crate::similarity::Similarity;
use crate::tiles::{TileCollector, choose_tiles};
use crate::verdict::{Judgement, judge};
use e2m_image::{
    BandError, BandSource, BlockMean, PlaneSource, PlaneView, Size, Warp, default_band_rows,
    preview_factor, stream_bands,
};
use ndarray::Array2;
use std::ops::ControlFlow;

/// Options of [`align`].
#[derive(Debug, Clone, PartialEq)]
pub struct AlignOptions {
    /// Ways of the first step that are tried; the one that fits the images best is kept.
    pub methods: Vec<CoarseMethod>,
    /// Of the first step by features.
    pub coarse: CoarseOptions,
    /// Of the first step by the boundary.
    pub boundary: BoundaryOptions,
    /// Of the second.
    pub refine: RefineOptions,
}

impl Default for AlignOptions {
    fn default() -> Self {
        Self {
            methods: vec![CoarseMethod::Features, CoarseMethod::Boundary],
            coarse: CoarseOptions::default(),
            boundary: BoundaryOptions::default(),
            refine: RefineOptions::default(),
        }
    }
}

/// A warp with what is known about its quality.
#[derive(Debug, Clone)]
pub struct Alignment {
    /// Post pixels to pre pixels.
    pub warp: Warp,
    /// The first step.
    pub coarse: CoarseChoice,
    /// The correction by features inside the section.
    pub interior: InteriorCorrection,
    /// The refinement at full resolution.
    pub refinement: Refinement,
    /// What tiles that took no part in the fit say about the warp.
    pub check: Check,
    /// Likeness of the whole at the working size.
    pub similarity: Similarity,
    /// What is to be thought of it.
    pub judgement: Judgement,
}

/// Aligns `pre` to `post`: array views of u8, u16 or f32, shape `(height, width)`, of the same or different sizes.
///
/// # Errors
/// See [`AlignError`]; all of them mean that no warp was found. A warp that was found may still be wrong: see
/// [`Alignment::judgement`].
pub fn align<'a>(
    post: impl Into<PlaneView<'a>>,
    pre: impl Into<PlaneView<'a>>,
    options: &AlignOptions,
) -> Result<Alignment, AlignError> {
    let (post, pre) = (post.into(), pre.into());
    let size = post.size();
    let factor = preview_factor(size.max(pre.size()), options.coarse.working_px);
    let (small_post, small_pre) = rayon::join(
        || reduce(PlaneSource::new(post), factor),
        || reduce(PlaneSource::new(pre), factor),
    );
    let previews = Previews::new(small_post, small_pre, factor)?;
    let coarse = previews.align_coarsely(&options.methods, &options.coarse, &options.boundary)?;
    let limits = InteriorOptions {
        max_correction_px: options.refine.max_correction_px,
        min_inlier_ratio: options.refine.min_inlier_ratio,
    };
    let interior = previews.correct_inside(&coarse.warp, &limits, &options.coarse)?;
    let plan = choose_tiles(
        previews.post(),
        factor,
        size,
        pre.size(),
        &interior.warp,
        &options.refine,
    );
    let [fit, check] = [&plan.fit, &plan.check].map(|specs| {
        let mut collector = TileCollector::new(size, specs.iter().copied());
        pump(PlaneSource::new(post), &mut collector);
        collector.into_tiles()
    });
    let fine = align_fine(&fit, &check, size, pre, &interior.warp, &options.refine);
    let similarity = previews.similarity(&fine.warp)?;
    Ok(Alignment {
        judgement: judge(&fine.check, &similarity, Some(interior.inliers)),
        warp: fine.warp,
        coarse,
        interior,
        refinement: fine.refinement,
        check: fine.check,
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
    // ASSERT: images in memory cannot fail; one that could would have to be told, and tests are to show it.
    debug_assert!(result.is_ok(), "source and sink were made for one size");
}
