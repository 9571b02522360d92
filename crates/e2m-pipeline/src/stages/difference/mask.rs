//! What is known of each pixel of the canvas: where the difference means nothing, and the flags of the mask.

use super::flag_sources::FlagSource;
use crate::error::PipelineError;
use crate::flags::{MISALIGNED, NO_POST, NO_PRE};
use crate::resume::Results;
use crate::workbench::Workbench;
use e2m_align::MisalignedRegion;
use e2m_image::{Coverage, Size};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use std::ops::Range;

/// Where post and aligned pre have pixels, and what speaks against these.
pub(crate) struct Mask {
    post: Coverage,
    /// None of an image of the Python program, whose warp is not known.
    pre: Option<Coverage>,
    misaligned: MisalignedRegion,
    /// Where raw post begins on the canvas, in both directions.
    pad: usize,
    post_size: Size,
    faults: Option<FlagSource>,
}

impl Mask {
    /// That of a pair under the warp that was found.
    pub(crate) fn new(bench: &mut Workbench<'_>, before: &Results) -> Result<Self, PipelineError> {
        let canvas = bench.task.canvas;
        let mapping = before.warps.mapping();
        let mapping = mapping.filter(|_| before.legacy_aligned.is_none());
        let misaligned = before.alignment.as_ref().map(|a| &a.misaligned[..]);
        Ok(Self {
            post: Coverage::placed(bench.post.size(), canvas),
            pre: mapping.map(|mapping| Coverage::warped(bench.pre.size(), canvas, mapping)),
            misaligned: MisalignedRegion::of(misaligned.unwrap_or_default()),
            pad: canvas.pad(),
            post_size: bench.post.size(),
            faults: FlagSource::new(bench, before)?,
        })
    }

    /// The columns of a row in which aligned pre has pixels.
    fn pre_columns(&self, row: usize, aligned: ArrayView1<'_, f32>) -> Range<usize> {
        match &self.pre {
            Some(pre) => pre.columns(row),
            // What lies outside such an image is zero in it; where it is zero at the end of a row, nothing is known.
            None => {
                let has_light = |value: &f32| *value != 0.0;
                let first = aligned.iter().position(has_light).unwrap_or(aligned.len());
                let last = aligned.iter().rposition(has_light);
                first..last.map_or(first, |last| last + 1)
            }
        }
    }

    /// Puts `value` into a band of the difference where post or pre has no pixel.
    pub(super) fn blank(
        &self,
        first_row: usize,
        aligned: ArrayView2<'_, f32>,
        value: f32,
        mut difference: ArrayViewMut2<'_, f32>,
    ) {
        difference
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(aligned.axis_iter(Axis(0)))
            .enumerate()
            .for_each(|(i, (mut difference, aligned))| {
                let row = first_row + i;
                let (post, pre) = (self.post.columns(row), self.pre_columns(row, aligned));
                let both = post.start.max(pre.start)..post.end.min(pre.end);
                let width = difference.len();
                for columns in [
                    0..both.start.min(width),
                    both.end.max(both.start).min(width)..width,
                ] {
                    difference.slice_mut(ndarray::s![columns]).fill(value);
                }
            });
    }

    /// Fills a band of the mask.
    pub(crate) fn fill(
        &self,
        first_row: usize,
        (post, aligned): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
        mut flags: ArrayViewMut2<'_, u8>,
    ) {
        flags
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .zip(aligned.axis_iter(Axis(0)))
            .enumerate()
            .for_each(|(i, (mut flags, aligned))| {
                let row = first_row + i;
                let width = flags.len();
                let mut each = |columns: Range<usize>, kept: u8, set: u8| {
                    let end = columns.end.min(width);
                    let columns = columns.start.min(end)..end;
                    let mut flags = flags.slice_mut(ndarray::s![columns]);
                    if let Some(flags) = flags.as_slice_mut() {
                        flags
                            .iter_mut()
                            .for_each(|flags| *flags = *flags & kept | set);
                    } else {
                        flags.mapv_inplace(|flags| flags & kept | set);
                    }
                };
                each(0..width, 0, NO_POST | NO_PRE);
                each(self.post.columns(row), !NO_POST, 0);
                each(self.pre_columns(row, aligned), !NO_PRE, 0);
                let raw = row
                    .checked_sub(self.pad)
                    .filter(|y| *y < self.post_size.height);
                for columns in raw.into_iter().flat_map(|y| self.misaligned.columns(y)) {
                    let end = columns.end.min(self.post_size.width);
                    let columns = columns.start.min(end) + self.pad..end + self.pad;
                    each(columns, u8::MAX, MISALIGNED);
                }
            });
        if let Some(faults) = &self.faults {
            faults.add(first_row, post, &mut flags);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use e2m_align::MisalignedTile;
    use e2m_image::{Canvas, Warp};
    use ndarray::{Array2, s};

    const POST: Size = Size::new(60, 40);
    const PRE: Size = Size::new(50, 44);
    const PAD: usize = 10;

    fn mask(pre: Option<Warp>, misaligned: &[MisalignedTile]) -> (Mask, Size) {
        let canvas = Canvas::new(POST, PRE, PAD);
        let mask = Mask {
            post: Coverage::placed(POST, canvas),
            pre: pre.map(|warp| Coverage::warped(PRE, canvas, warp)),
            misaligned: MisalignedRegion::of(misaligned),
            pad: PAD,
            post_size: POST,
            faults: None,
        };
        (mask, canvas.size())
    }

    fn flags(mask: &Mask, size: Size, aligned: &Array2<f32>, band_rows: usize) -> Array2<u8> {
        let post = Array2::ones(size.shape());
        let mut flags = Array2::from_elem(size.shape(), 255);
        for first in (0..size.height).step_by(band_rows) {
            let rows = s![first..(first + band_rows).min(size.height), ..];
            let pair = (post.slice(rows), aligned.slice(rows));
            mask.fill(first, pair, flags.slice_mut(rows));
        }
        flags
    }

    #[test]
    fn what_neither_or_only_one_image_has_is_flagged_and_blank() {
        for (dx, dy) in [(0, 0), (12, -7), (-30, 20), (100, 0)] {
            let warp = Warp::translation(f64::from(dx), f64::from(dy));
            let (mask, size) = mask(Some(warp), &[]);
            let aligned = Array2::ones(size.shape());
            for band_rows in [1, 7, 100] {
                let flags = flags(&mask, size, &aligned, band_rows);
                let mut difference = Array2::from_elem(size.shape(), 5.0_f32);
                mask.blank(0, aligned.view(), f32::NAN, difference.view_mut());
                for ((y, x), &flag) in flags.indexed_iter() {
                    let post = (10..70).contains(&x) && (10..50).contains(&y);
                    let (u, v) = (x as i32 + dx - 10, y as i32 + dy - 10);
                    let pre = (0..50).contains(&u) && (0..44).contains(&v);
                    let wanted = u8::from(!post) | (2 * u8::from(!pre));
                    assert_eq!(flag, wanted, "{x}, {y} under {dx}, {dy}");
                    assert_eq!(difference[(y, x)].is_nan(), wanted != 0);
                }
            }
        }
    }

    #[test]
    fn misaligned_tiles_lie_where_post_has_them() {
        let tile = MisalignedTile {
            x: 20,
            y: 5,
            side_px: 8,
            neighbours: Vec::new(),
        };
        let (mask, size) = mask(Some(Warp::identity()), &[tile]);
        let flags = flags(&mask, size, &Array2::ones(size.shape()), 9);
        for ((y, x), &flag) in flags.indexed_iter() {
            let inside = (30..38).contains(&x) && (15..23).contains(&y);
            assert_eq!(flag & MISALIGNED != 0, inside, "{x}, {y}");
        }
    }

    #[test]
    fn an_image_without_a_warp_begins_and_ends_with_its_light() {
        let (mask, size) = mask(None, &[]);
        let mut aligned = Array2::zeros(size.shape());
        aligned.slice_mut(s![20..30, 15..40]).fill(3.0);
        aligned.slice_mut(s![22..24, 20..30]).fill(0.0);
        let flags = flags(&mask, size, &aligned, 13);
        for ((y, x), &flag) in flags.indexed_iter() {
            let inside = (20..30).contains(&y) && (15..40).contains(&x);
            assert_eq!(flag & NO_PRE == 0, inside, "{x}, {y}");
        }
    }
}
