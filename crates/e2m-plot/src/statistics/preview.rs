//! The preview of the difference in which single microbes survive.

use super::outline::Outline;
use super::pair::{MAX_COUNTERS, with_slice};
use e2m_image::Size;
use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis, s};
use rayon::prelude::*;

/// Magnitudes are counted by the upper 16 bits below the sign of their float: 256 per doubling.
const MAGNITUDES: usize = 1 << 16;
const DROPPED_BITS: u32 = 15;

/// From each block of `factor` x `factor` px the value of `post - scale x aligned pre` of greatest magnitude, gathered
/// from row bands.
///
/// Only pixels of the section count: inside both frames, with signal in either image. Blocks without any are NaN.
/// Of two values of the same magnitude the positive one is kept, so that the result does not depend on any order.
#[derive(Debug, Clone)]
pub struct DifferencePreview {
    canvas: Size,
    factor: usize,
    scale: f32,
    offset: f32,
    post_frame: Outline,
    pre_frame: Outline,
    extremes: Array2<f32>,
    /// Sums of aligned pre over [`JOINED`] blocks beside each other.
    pre_sums: Array2<f32>,
    /// Those of the difference.
    sums: Array2<f32>,
    magnitudes: Vec<u64>,
}

/// Blocks beside each other whose means are one number: they change slowly, and memory is worth something.
const JOINED: usize = 4;

/// What [`DifferencePreview::finish`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceSummary {
    /// The extremes, counts; shape `(canvas height / factor, canvas width / factor)`, both rounded up; NaN where there is
    /// no section.
    pub extremes: Array2<f32>,
    /// Mean of aligned pre over every [`DifferenceSummary::joined`] blocks beside each other, counts; a pixel that does not count is
    /// 0. Noise is that of the brightness, and pre has no stain.
    pub pre_brightness: Array2<f32>,
    /// Mean of the difference over the same blocks, counts.
    pub means: Array2<f32>,
    /// Columns of the extremes that have one column of the means.
    pub joined: usize,
    /// Full-resolution px per preview px.
    pub factor: usize,
    /// The scale that was subtracted with.
    pub scale: f64,
    /// What was subtracted besides, counts of post: black levels.
    pub offset: f64,
    /// Median of |difference| over all pixels of the section, to 0.4 %; `None` if there are none.
    pub median_magnitude: Option<f64>,
}

impl DifferencePreview {
    /// An empty preview of a canvas of the given size. Frames as in [`PairStatistics`](super::PairStatistics).
    pub fn new(
        canvas: Size,
        factor: usize,
        scale: f64,
        post_frame: Outline,
        pre_frame: Outline,
    ) -> Self {
        let factor = factor.max(1);
        let shape = (
            canvas.height.div_ceil(factor),
            canvas.width.div_ceil(factor),
        );
        Self {
            canvas,
            factor,
            scale: scale as f32,
            offset: 0.0,
            post_frame,
            pre_frame,
            extremes: Array2::from_elem(shape, f32::NAN),
            pre_sums: Array2::zeros((shape.0, shape.1.div_ceil(JOINED))),
            sums: Array2::zeros((shape.0, shape.1.div_ceil(JOINED))),
            magnitudes: vec![0; MAGNITUDES],
        }
    }

    /// The same of `post - scale x aligned pre - offset`: black levels, in counts of post.
    #[must_use]
    pub fn with_offset(self, offset: f64) -> Self {
        Self {
            offset: offset as f32,
            ..self
        }
    }

    /// Adds the canvas rows from `first_row` on; both views have the shape `(rows, canvas width)`. What lies beyond the
    /// canvas is left out.
    pub fn add_band(
        &mut self,
        first_row: usize,
        post: ArrayView2<'_, f32>,
        aligned: ArrayView2<'_, f32>,
    ) {
        let rows = post.nrows().min(aligned.nrows());
        let end_row = (first_row + rows).min(self.canvas.height);
        let width = post.ncols().min(aligned.ncols()).min(self.canvas.width);
        if first_row >= end_row {
            return;
        }
        let (factor, scale, offset) = (self.factor, self.scale, self.offset);
        let (post_frame, pre_frame) = (self.post_frame, self.pre_frame);
        let blocks = first_row / factor..end_row.div_ceil(factor);
        let mut touched = self.extremes.slice_mut(s![blocks.clone(), ..]);
        let mut pre_sums = self.pre_sums.slice_mut(s![blocks.clone(), ..]);
        let mut sums = self.sums.slice_mut(s![blocks.clone(), ..]);
        let sums = pre_sums
            .axis_iter_mut(Axis(0))
            .zip(sums.axis_iter_mut(Axis(0)));
        let lines = touched.axis_iter_mut(Axis(0)).zip(sums);
        let lines: Vec<_> = lines.zip(blocks).collect();
        let pieces = lines.len().div_ceil(MAX_COUNTERS).max(1);
        let counted = lines
            .into_par_iter()
            .with_min_len(pieces)
            .fold(
                || vec![0u64; MAGNITUDES],
                |mut magnitudes, ((mut line, (mut pre_sums, mut sums)), block)| {
                    let start = (block * factor).max(first_row);
                    for y in start..((block + 1) * factor).min(end_row) {
                        let a = post_frame.columns(y, width);
                        let b = pre_frame.columns(y, width);
                        let columns = a.start.max(b.start)..a.end.min(b.end);
                        if columns.is_empty() {
                            continue;
                        }
                        let row = s![y - first_row, columns.clone()];
                        with_slice(post.slice(row), |post| {
                            with_slice(aligned.slice(row), |pre| {
                                let mut kept = Line {
                                    line: &mut line,
                                    pre_sums: &mut pre_sums,
                                    sums: &mut sums,
                                    factor,
                                    scale,
                                    offset,
                                };
                                kept.add(columns.start, post, pre, &mut magnitudes);
                            });
                        });
                    }
                    magnitudes
                },
            )
            .reduce_with(|mut a, b| {
                super::brightness::add(&mut a, &b);
                a
            });
        if let Some(counted) = counted {
            super::brightness::add(&mut self.magnitudes, &counted);
        }
    }

    /// Adds what another preview of the same canvas, factor, scale and offset has gathered on other rows.
    pub fn merge(&mut self, other: &Self) {
        super::brightness::add(&mut self.magnitudes, &other.magnitudes);
        self.pre_sums += &other.pre_sums;
        self.sums += &other.sums;
        for (kept, &value) in self.extremes.iter_mut().zip(&other.extremes) {
            if exceeds(value, *kept) {
                *kept = value;
            }
        }
    }

    /// The preview and the median magnitude.
    pub fn finish(self) -> DifferenceSummary {
        let joined_px = (JOINED * self.factor * self.factor) as f32;
        DifferenceSummary {
            median_magnitude: median(&self.magnitudes),
            extremes: self.extremes,
            pre_brightness: self.pre_sums / joined_px,
            means: self.sums / joined_px,
            joined: JOINED,
            factor: self.factor,
            scale: f64::from(self.scale),
            offset: f64::from(self.offset),
        }
    }
}

/// A row of blocks.
struct Line<'l, 'a> {
    line: &'l mut ArrayViewMut1<'a, f32>,
    pre_sums: &'l mut ArrayViewMut1<'a, f32>,
    sums: &'l mut ArrayViewMut1<'a, f32>,
    factor: usize,
    scale: f32,
    offset: f32,
}

impl Line<'_, '_> {
    /// Adds pixels of one row from column `first` on.
    fn add(&mut self, first: usize, post: &[f32], pre: &[f32], magnitudes: &mut [u64]) {
        let mut from = 0;
        while from < post.len() {
            let block = (first + from) / self.factor;
            let to = ((block + 1) * self.factor - first).min(post.len());
            let (mut kept, mut pre_sum, mut sum) = (self.line[block], 0.0, 0.0);
            for (&post, &pre) in post[from..to].iter().zip(&pre[from..to]) {
                if post > 0.0 || pre > 0.0 {
                    pre_sum += pre;
                    let value = post - self.scale * pre - self.offset;
                    sum += value;
                    magnitudes[(value.abs().to_bits() >> DROPPED_BITS) as usize] += 1;
                    if exceeds(value, kept) {
                        kept = value;
                    }
                }
            }
            self.line[block] = kept;
            self.pre_sums[block / JOINED] += pre_sum;
            self.sums[block / JOINED] += sum;
            from = to;
        }
    }
}

/// Whether `value` is to be kept instead of `kept`, which is NaN at first.
#[inline]
fn exceeds(value: f32, kept: f32) -> bool {
    let (new, old) = (value.abs(), kept.abs());
    new > old || (new == old && value > kept) || (kept.is_nan() && !value.is_nan())
}

fn median(magnitudes: &[u64]) -> Option<f64> {
    let total: u64 = magnitudes.iter().sum();
    let mut before = 0;
    for (i, &count) in magnitudes.iter().enumerate() {
        before += count;
        if count > 0 && 2 * before >= total {
            let edge = |i: usize| f64::from(f32::from_bits((i as u32) << DROPPED_BITS));
            let middle = (edge(i) + edge(i + 1)) / 2.0;
            // The first bin holds zero alone, but for what is too small to matter.
            return Some(if i == 0 { 0.0 } else { middle });
        }
    }
    None
}
