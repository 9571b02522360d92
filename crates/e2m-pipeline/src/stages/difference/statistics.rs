//! What is counted on a pair of images as its bands go by.

use super::comparable::Comparable;
use crate::error::PipelineError;
use crate::pictures::Counted;
use crate::resume::Results;
use crate::workbench::Workbench;
use e2m_image::{Canvas, PixelType, PlaneView, Size};
use e2m_plot::{BrightnessHistogram, Levels, Outline, PairStatistics};
use e2m_scale::{RatioStatistics, ScaleError, ScaleOptions, estimate_scale};
use ndarray::{ArrayView2, s};

/// Everything that scales and pictures are made from, gathered in one pass.
pub(super) struct BandStatistics {
    canvas: Canvas,
    post_size: Size,
    levels: Levels,
    ratios: RatioStatistics,
    /// What of the pair is compared, where that is not all.
    comparable: Option<Comparable>,
    pair: PairStatistics,
    post: BrightnessHistogram,
}

impl BandStatistics {
    pub(super) fn new(bench: &mut Workbench<'_>, before: &Results) -> Result<Self, PipelineError> {
        let levels = levels(bench)?;
        let (post_frame, pre_frame) = frames(bench, before);
        Ok(Self {
            canvas: bench.task.canvas,
            post_size: bench.post.size(),
            levels,
            ratios: RatioStatistics::default(),
            comparable: Comparable::new(bench, before)?,
            pair: PairStatistics::new(levels, post_frame, pre_frame),
            post: BrightnessHistogram::new(levels),
        })
    }

    /// Adds canvas rows from `first_row` on; top to bottom.
    pub(super) fn add_band(
        &mut self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        aligned: ArrayView2<'_, f32>,
    ) {
        self.pair.add_band(first_row, post, aligned);
        // Ratios, like brightness, are of the frame of post; beside it there are none.
        let pad = self.canvas.pad();
        let top = first_row.max(pad);
        let end = (first_row + post.nrows()).min(pad + self.post_size.height);
        if top < end {
            let rows = top - first_row..end - first_row;
            let frame = s![rows, pad..pad + self.post_size.width];
            let (raw_post, raw_pre) = (post.slice(frame), aligned.slice(frame));
            match &mut self.comparable {
                Some(comparable) => {
                    let (post, pre) = comparable.of_rows(top - pad, raw_post, raw_pre);
                    self.ratios.add_band(post, pre);
                }
                None => self.ratios.add_band(raw_post, raw_pre),
            }
            self.post.add_band(post.slice(frame));
        }
    }

    /// What was counted, and why there is no peak if there is none.
    pub(super) fn finish(
        self,
        bench: &mut Workbench<'_>,
    ) -> Result<(Counted, Option<ScaleError>), PipelineError> {
        let mut pre = BrightnessHistogram::new(self.levels);
        match bench.plane()?.view() {
            PlaneView::U8(plane) => pre.add_band(plane),
            PlaneView::U16(plane) => pre.add_band(plane),
            PlaneView::F32(plane) => pre.add_band(plane),
        }
        let params = &bench.task.spec.params;
        let options = ScaleOptions {
            post_black: params.post_black.counts(),
            pre_black: params.pre_black.counts(),
            peak: params.scale_peak,
        };
        let (peak, no_peak) = match estimate_scale(&self.ratios, &options) {
            Ok(peak) => (Some(peak), None),
            Err(error) => (None, Some(error)),
        };
        let (joint, differences, aligned) = self.pair.finish();
        let counted = Counted {
            joint,
            differences,
            post: self.post,
            pre,
            aligned,
            ratios: self.ratios.pixel_ratios(),
            peak,
        };
        Ok((counted, no_peak))
    }
}

/// The steps in which brightness is counted: single counts, but for float images, whose range only their previews tell.
fn levels(bench: &mut Workbench<'_>) -> Result<Levels, PipelineError> {
    let types = [bench.post.record.dtype, bench.pre.record.dtype];
    if !types.contains(&PixelType::F32) {
        return Ok(Levels::COUNTS);
    }
    let previews = bench.previews()?;
    Ok(Levels::of_previews(&[previews.post(), previews.pre()]))
}

/// The outermost pixels of pre themselves belong to its frame.
const EDGE_PX: f64 = 1e-3;

/// The frames of raw post and of aligned pre on the canvas. Of an image of the Python program no warp is known: its frame is
/// taken for that of post.
pub(super) fn frames(bench: &Workbench<'_>, before: &Results) -> (Outline, Outline) {
    let pad = bench.task.canvas.pad() as f64;
    let upright = |size: Size| Outline::upright(pad, pad, size.width as f64, size.height as f64);
    let post = upright(bench.post.size());
    let mapping = before
        .warps
        .mapping()
        .filter(|_| before.legacy_aligned.is_none());
    let with_inverse = mapping.and_then(|mapping| Some((mapping.warp.inverse()?, mapping)));
    let Some((to_post, mapping)) = with_inverse else {
        return (post, post);
    };
    let Size { width, height } = bench.pre.size();
    // Half a pixel further out its brightness fades, which is no difference.
    let (left, top) = (pad - EDGE_PX, pad - EDGE_PX);
    let last = |length: usize| pad + length.saturating_sub(1) as f64 + EDGE_PX;
    let (right, bottom) = (last(width), last(height));
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    if corners.iter().all(|&(x, y)| to_post.is_in_front(x, y)) {
        // Where a deformation has no inverse beyond the section, the homography's is next.
        let inverse = |(x, y): (f64, f64)| {
            let exact = mapping.inverse_point(x, y);
            exact.unwrap_or_else(|| to_post.apply(x, y))
        };
        (post, Outline::new(corners.map(inverse)))
    } else {
        (post, post)
    }
}
