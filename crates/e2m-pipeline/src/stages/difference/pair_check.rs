//! Whether the two images are what they were given for: post after staining, pre before, and two exposures. Gathered while the
//! difference is written.

use crate::doubts::Doubt;
use crate::names::ScaleKind;
use crate::resume::Results;
use crate::scale_record::Scales;
use crate::workbench::Workbench;
use e2m_image::{Canvas, Size, Warp};
use e2m_scale::{NoiseStatistics, SourceStatistics};
use ndarray::{ArrayView2, s};

/// A warp is a shift by whole pixels up to this, px: beyond, interpolation would change the noise. Copies come within 0.001 px.
const MAX_OFF_GRID_PX: f64 = 0.01;
/// And a copy has this scale, so many standard errors and this share about it.
const COPY_SCALE: f64 = 1.0;
const SCALE_ERRORS: f64 = 3.0;
const SCALE_TOLERANCE: f64 = 0.001;

/// Looks at a pair as its bands go by.
pub(super) struct PairCheck {
    canvas: Canvas,
    post_size: Size,
    sources: SourceStatistics,
    /// Where pre is post moved by whole pixels, and as bright.
    noise: Option<(NoiseStatistics, [f64; 2])>,
}

impl PairCheck {
    /// For a pair with these scales. `None` where there is none that light is compared by.
    pub(super) fn new(bench: &Workbench<'_>, before: &Results, scales: &Scales) -> Option<Self> {
        let subtraction = scales
            .of(ScaleKind::Moffat)
            .or_else(|| scales.of(ScaleKind::Manual))?;
        let (canvas, post_size) = (bench.task.canvas, bench.post.size());
        let width = post_size.width;
        let alike = scales.moffat.as_ref().is_some_and(|scale| {
            let margin = SCALE_ERRORS * scale.std_error + SCALE_TOLERANCE;
            (scale.value - COPY_SCALE).abs() <= margin
        });
        // What was deformed between two exposures is no copy of one.
        let is_moved = before.warps.deformation.is_none();
        let warp = before.warps.finest().filter(|_| alike && is_moved);
        let shift = warp.and_then(|warp| whole_shift(&warp, canvas, post_size));
        Some(Self {
            canvas,
            post_size,
            sources: SourceStatistics::new(post_size.shape(), subtraction),
            noise: shift.map(|shift| (NoiseStatistics::new(width), shift)),
        })
    }

    /// Adds canvas rows from `first_row` on; top to bottom.
    pub(super) fn add_band(
        &mut self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        aligned: ArrayView2<'_, f32>,
    ) {
        let pad = self.canvas.pad();
        let top = first_row.max(pad);
        let end = (first_row + post.nrows()).min(pad + self.post_size.height);
        if top >= end {
            return;
        }
        let rows = top - first_row..end - first_row;
        let frame = s![rows, pad..pad + self.post_size.width];
        let (post, aligned) = (post.slice(frame), aligned.slice(frame));
        self.sources.add_band(post, aligned);
        if let Some((noise, _)) = &mut self.noise {
            noise.add_band(post, aligned);
        }
    }

    /// Tells what is wrong with the pair.
    pub(super) fn finish(self, bench: &mut Workbench<'_>) {
        let (post, pre) = (&bench.post.record, &bench.pre.record);
        // What is known of one file twice needs no figures.
        let is_one_file = post.hash == pre.hash;
        if let Some((noise, shift_px)) = self.noise
            && let Some(agreement) = noise.finish()
            && agreement.is_one_exposure()
            && !is_one_file
        {
            bench.messages.doubt(Doubt::SameExposure {
                correlation: agreement.correlation,
                shift_px,
            });
        }
        let counts = self.sources.finish();
        tracing::debug!(?counts, "compact sources");
        if counts.are_in_pre() {
            // Both are times of Greenwich in one format, which sort as texts.
            let post_is_older = bench.post.record.modified < bench.pre.record.modified;
            bench.messages.doubt(Doubt::Swapped {
                post_sources: counts.post,
                pre_sources: counts.pre,
                post_is_older,
            });
        }
    }
}

/// The shift that a warp is all over the frame of post, if it is one by whole pixels.
fn whole_shift(warp: &Warp, canvas: Canvas, post: Size) -> Option<[f64; 2]> {
    let (left, top) = (canvas.pad() as f64, canvas.pad() as f64);
    let (right, bottom) = (left + post.width as f64, top + post.height as f64);
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    let shifts = corners.map(|(x, y)| {
        let (u, v) = warp.apply(x, y);
        [u - x, v - y]
    });
    let whole = shifts[0].map(f64::round);
    let is_whole = shifts.iter().all(|shift| {
        let off = |axis: usize| (shift[axis] - whole[axis]).abs();
        off(0) <= MAX_OFF_GRID_PX && off(1) <= MAX_OFF_GRID_PX
    });
    // -0 is shown as such.
    is_whole.then(|| whole.map(|px| px + 0.0))
}
