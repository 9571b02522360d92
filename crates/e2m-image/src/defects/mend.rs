//! What is put in the place of defects.

use super::Defects;
use ndarray::{Array2, ArrayView1, ArrayViewMut1, ArrayViewMut2, Axis, azip};
use std::ops::Range;

impl Defects {
    /// Puts what their neighbours show in the place of defects, in a float copy of a part of the image whose top left pixel is
    /// (`x`, `y`).
    pub fn mend(&self, x: isize, y: isize, part: &mut Array2<f32>) {
        self.mend_spots(x, y, part.view_mut());
        mend_lines(part.view_mut(), &self.columns, x, Axis(1));
        mend_lines(part.view_mut(), &self.rows, y, Axis(0));
    }

    /// The same for spots only.
    pub fn mend_spots(&self, x: isize, y: isize, mut part: ArrayViewMut2<'_, f32>) {
        let (rows, columns) = part.dim();
        let first = y.max(0) as usize;
        let end = y.saturating_add_unsigned(rows).max(0) as usize;
        for spot in self.spots_in(first..end) {
            let column = spot.x as isize - x;
            if column >= 0 && (column as usize) < columns {
                part[((spot.y as isize - y) as usize, column as usize)] += spot.change;
            }
        }
    }

    /// The same for the means of blocks of `factor` x `factor` px of the whole image.
    pub fn mend_preview(&self, factor: usize, preview: &mut Array2<f32>) {
        let (rows, columns) = preview.dim();
        let per_block = 1.0 / (factor * factor) as f32;
        for spot in &self.spots {
            let (x, y) = (spot.x as usize / factor, spot.y as usize / factor);
            if x < columns && y < rows {
                preview[(y, x)] += spot.change * per_block;
            }
        }
        let reduced = |lines: &[Range<usize>]| -> Vec<Range<usize>> {
            let blocks = lines.iter();
            blocks
                .map(|line| line.start / factor..line.end.div_ceil(factor))
                .collect()
        };
        mend_lines(preview.view_mut(), &reduced(&self.columns), 0, Axis(1));
        mend_lines(preview.view_mut(), &reduced(&self.rows), 0, Axis(0));
    }
}

/// Fills lines across `axis` between their neighbours; `first` is where the part begins.
fn mend_lines(mut part: ArrayViewMut2<'_, f32>, lines: &[Range<usize>], first: isize, axis: Axis) {
    let extent = part.len_of(axis) as isize;
    for line in lines {
        let start = (line.start as isize - first).max(0);
        let end = (line.end as isize - first).min(extent);
        if start >= end {
            continue;
        }
        let before = (start > 0).then(|| part.index_axis(axis, start as usize - 1).to_owned());
        let after = (end < extent).then(|| part.index_axis(axis, end as usize).to_owned());
        let steps = (end - start + 1) as f32;
        for at in start..end {
            let share = (at - start + 1) as f32 / steps;
            let to = part.index_axis_mut(axis, at as usize);
            match (&before, &after) {
                (Some(before), Some(after)) => between(to, before.view(), after.view(), share),
                (Some(one), None) | (None, Some(one)) => between(to, one.view(), one.view(), 0.0),
                (None, None) => {}
            }
        }
    }
}

fn between(to: ArrayViewMut1<'_, f32>, a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>, share: f32) {
    azip!((to in to, &a in a, &b in b) *to = a + (b - a) * share);
}
