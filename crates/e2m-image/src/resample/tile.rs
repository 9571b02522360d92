//! Blocks of rows, made in short runs of pixels that a processor works on side by side.
//!
//! A run goes through three loops: where its pixels lie in the plane, as whole and fractional parts; the neighbours of
//! each, copied from the plane; what lies between them. The first and the last are plain arithmetic over arrays, which
//! compilers turn into vector instructions. Each operation is rounded on its own as IEEE 754 has it, so that the width of
//! the vectors does not show in the result.

use super::line::Line;
use super::{blend, lerp, sample_bilinear};
use crate::Mapping;
use crate::deformation::{Deformation, FieldRow};
use ndarray::{ArrayView2, ArrayViewMut2};
use std::ops::Range;

/// Pixels of a run.
const RUN: usize = 64;

/// Columns of a tile: the rows of a block are made tile by tile, as a row of the result may cross each row of the plane.
const TILE_COLUMNS: usize = 8 * RUN;

/// Bits of the fractional part of a coordinate: the lower half of a double that is a multiple of 2^-32.
const FRACTION_BITS: u32 = 32;

/// Doubles from this number up to its double are multiples of 2^-32: adding it to a coordinate rounds to fixed point.
const MAGIC: f64 = (1_u64 << (52 - FRACTION_BITS)) as f64;

/// Coordinates are kept this much larger, so that they stay positive.
const BIAS: usize = 2;

/// What the upper half of a coordinate in fixed point has besides the coordinate.
const WHOLE_OFFSET: usize = (MAGIC.to_bits() >> FRACTION_BITS) as usize + BIAS;

/// Planes up to this many pixels on an axis have coordinates that fit into fixed point.
const LARGEST_AXIS: usize = (1 << (52 - FRACTION_BITS)) - 8;

/// The columns of a run, relative to its first one.
const STEPS: [f64; RUN] = {
    let mut steps = [0.0; RUN];
    let mut i = 0;
    while i < RUN {
        steps[i] = i as f64;
        i += 1;
    }
    steps
};

/// A pixel type that is resampled.
pub(super) trait Pixel: Copy + Default + Into<f32> + Send + Sync {}

impl<P: Copy + Default + Into<f32> + Send + Sync> Pixel for P {}

/// Fills `block`, the rows from `first_row` on, with what `image` has at the points that `to_raw` tells.
pub(super) fn fill_block<P: Pixel>(
    image: ArrayView2<'_, P>,
    to_raw: &Mapping,
    first_row: usize,
    block: ArrayViewMut2<'_, f32>,
) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "compiled for a feature that was just asked for")]
        // SAFETY: the processor has AVX2, which is all that the function needs beyond what any has.
        return unsafe { fill_rows_avx2(image, to_raw, first_row, block) };
    }
    fill_rows(image, to_raw, first_row, block);
}

/// [`fill_rows`] for processors with vectors of 256 bits: the same operations, more at a time, and none fused.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fill_rows_avx2<P: Pixel>(
    image: ArrayView2<'_, P>,
    to_raw: &Mapping,
    first_row: usize,
    block: ArrayViewMut2<'_, f32>,
) {
    fill_rows(image, to_raw, first_row, block);
}

#[inline(always)]
fn fill_rows<P: Pixel>(
    image: ArrayView2<'_, P>,
    to_raw: &Mapping,
    first_row: usize,
    mut block: ArrayViewMut2<'_, f32>,
) {
    let rows: Vec<Row> = (first_row..first_row + block.nrows())
        .map(|y| Row::new(&image, to_raw, y as f64, block.ncols()))
        .collect();
    let mut run = Run::new();
    let mut spare = Vec::new();
    for first in (0..block.ncols()).step_by(TILE_COLUMNS) {
        let end = (first + TILE_COLUMNS).min(block.ncols());
        for (row, mut out) in rows.iter().zip(block.rows_mut()) {
            let mut out = out.slice_mut(ndarray::s![first..end]);
            if let Some(out) = out.as_slice_mut() {
                row.fill(image, &mut run, first, out);
            } else {
                spare.resize(out.len(), 0.0);
                row.fill(image, &mut run, first, &mut spare);
                out.iter_mut().zip(&spare).for_each(|(out, &v)| *out = v);
            }
        }
    }
}

/// A row of the result and how to make it.
struct Row {
    line: Line,
    /// What is added to where the line sends a column.
    field: Option<FieldRow>,
    /// Columns outside of these are zero.
    near: Range<usize>,
    /// Columns that are made by runs, within `near`.
    inside: Range<usize>,
}

impl Row {
    fn new<P>(image: &ArrayView2<'_, P>, to_raw: &Mapping, y: f64, columns: usize) -> Self {
        let (height, width) = image.dim();
        let line = Line::new(&to_raw.warp, y);
        let field = to_raw.deformation.as_ref();
        let reach = field.map_or((0.0, 0.0), Deformation::bound_px);
        let near = line.columns_near((width, height), reach, columns);
        let inside = line.columns_inside((width, height), reach, columns);
        let in_runs =
            image.is_standard_layout() && width.max(height) <= LARGEST_AXIS && !inside.is_empty();
        let inside = if in_runs {
            inside.start.max(near.start)..inside.end.min(near.end)
        } else {
            near.end..near.end
        };
        Self {
            line,
            field: field.map(|field| field.row(y)),
            near,
            inside,
        }
    }

    /// The point of the plane that column `x` shows.
    fn point(&self, x: f64) -> (f64, f64) {
        let (u, v) = self.line.point(x);
        match &self.field {
            None => (u, v),
            Some(field) => {
                let (dx, dy) = field.at(x);
                (u + dx, v + dy)
            }
        }
    }

    /// Fills `out`, the columns from `first` on.
    #[inline(always)]
    fn fill<P: Pixel>(
        &self,
        image: ArrayView2<'_, P>,
        run: &mut Run<P>,
        first: usize,
        out: &mut [f32],
    ) {
        let bound = |column: usize| column.clamp(first, first + out.len()) - first;
        let (near, inside) = (
            bound(self.near.start)..bound(self.near.end),
            bound(self.inside.start)..bound(self.inside.end),
        );
        out[..near.start].fill(0.0);
        out[near.end..].fill(0.0);
        for i in (near.start..inside.start).chain(inside.end..near.end) {
            out[i] = value_at(image, self.point((first + i) as f64));
        }
        let pixels = image.to_slice().unwrap_or(&[]);
        let width = image.ncols();
        let runs = out[inside.clone()].chunks_mut(RUN);
        for (i, out) in inside.step_by(RUN).zip(runs) {
            run.locate(&self.line, self.field.as_ref(), (first + i) as f64, width);
            if let Some(out) = out.as_mut_array::<RUN>() {
                run.gather(pixels, width, RUN);
                run.interpolate(out);
            } else {
                run.gather(pixels, width, out.len());
                let mut whole = [0.0; RUN];
                run.interpolate(&mut whole);
                out.copy_from_slice(&whole[..out.len()]);
            }
        }
    }
}

/// What a run of pixels is made in, all of whose neighbours exist.
struct Run<P> {
    /// Where the neighbour above and to the left lies in the plane, offset as whole parts are.
    corner: [u64; RUN],
    /// How far the point is from there, in pixels.
    fx: [f32; RUN],
    fy: [f32; RUN],
    above: [[P; 2]; RUN],
    below: [[P; 2]; RUN],
}

impl<P: Pixel> Run<P> {
    fn new() -> Self {
        Self {
            corner: [0; RUN],
            fx: [0.0; RUN],
            fy: [0.0; RUN],
            above: [[P::default(); 2]; RUN],
            below: [[P::default(); 2]; RUN],
        }
    }

    /// Where the columns from `first` on lie in a plane of `width` columns.
    #[inline(always)]
    fn locate(&mut self, line: &Line, field: Option<&FieldRow>, first: f64, width: usize) {
        let (mut u, mut v) = ([0; RUN], [0; RUN]);
        if let Some(field) = field {
            let moved = displacements(field, first);
            for i in 0..RUN {
                let (x, y) = line.point_in_front(first + STEPS[i]);
                (u[i], v[i]) = (fixed_point(x + moved[0][i]), fixed_point(y + moved[1][i]));
            }
        } else {
            for i in 0..RUN {
                let (x, y) = line.point_in_front(first + STEPS[i]);
                (u[i], v[i]) = (fixed_point(x), fixed_point(y));
            }
        }
        let width = width as u32 as u64;
        for i in 0..RUN {
            self.corner[i] = (v[i] >> FRACTION_BITS) * width + (u[i] >> FRACTION_BITS);
        }
        // Through arrays of half the width, as four halves make a vector.
        let (u, v) = (u.map(|u| u as u32), v.map(|v| v as u32));
        self.fx = u.map(fraction);
        self.fy = v.map(fraction);
    }

    /// Copies the neighbours of the first `count` pixels.
    #[inline(always)]
    fn gather(&mut self, pixels: &[P], width: usize, count: usize) {
        let below = pixels.get(width..).unwrap_or(&[]);
        let above = &pixels[..below.len()];
        let offset = WHOLE_OFFSET as u64 * (width as u64 + 1);
        for i in 0..count {
            let corner = self.corner[i].wrapping_sub(offset) as usize;
            self.above[i].copy_from_slice(&above[corner..][..2]);
            self.below[i].copy_from_slice(&below[corner..][..2]);
        }
    }

    /// The values between the neighbours.
    #[inline(always)]
    fn interpolate(&self, out: &mut [f32; RUN]) {
        for (i, out) in out.iter_mut().enumerate() {
            let [a, b] = self.above[i];
            let above = lerp(a.into(), b.into(), self.fx[i]);
            let [a, b] = self.below[i];
            let below = lerp(a.into(), b.into(), self.fx[i]);
            *out = lerp(above, below, self.fy[i]);
        }
    }
}

/// What a field adds to the columns of a run from `first` on.
#[inline(always)]
fn displacements(field: &FieldRow, first: f64) -> [[f64; RUN]; 2] {
    let (mut dx, mut dy) = ([0.0; RUN], [0.0; RUN]);
    let cell = field.cell(field.place(first));
    if cell == field.cell(field.place(first + STEPS[RUN - 1])) {
        // All in one cell, as nearly always: one polynomial.
        for i in 0..RUN {
            (dx[i], dy[i]) = field.in_cell(cell, field.place(first + STEPS[i]));
        }
    } else {
        for i in 0..RUN {
            (dx[i], dy[i]) = field.at(first + STEPS[i]);
        }
    }
    [dx, dy]
}

/// The value at one point anywhere: what a run has at points inside.
fn value_at<P: Pixel>(image: ArrayView2<'_, P>, (x, y): (f64, f64)) -> f32 {
    let (height, width) = image.dim();
    if width.max(height) > LARGEST_AXIS {
        return sample_bilinear(image, x, y);
    }
    if !(x > -1.5 && y > -1.5 && x < width as f64 && y < height as f64) {
        return 0.0; // also where a coordinate is NaN
    }
    let (x, y) = (fixed_point(x), fixed_point(y));
    let whole = |fixed: u64| (fixed >> FRACTION_BITS) as isize - WHOLE_OFFSET as isize;
    blend(
        image,
        (whole(x), whole(y)),
        (fraction(x as u32), fraction(y as u32)),
    )
}

/// A coordinate from `-BIAS` to `LARGEST_AXIS` in fixed point.
#[inline(always)]
fn fixed_point(coordinate: f64) -> u64 {
    (coordinate + (MAGIC + BIAS as f64)).to_bits()
}

/// The fractional part of a coordinate, given the lower half of its fixed point.
#[inline(always)]
fn fraction(lower: u32) -> f32 {
    const UNIT: f32 = 1.0 / (1_u32 << 31) as f32;
    (lower >> 1) as i32 as f32 * UNIT
}

#[cfg(test)]
mod tests;
