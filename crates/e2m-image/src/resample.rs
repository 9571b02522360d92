//! Bilinear resampling of a plane through a warp, band by band, in parallel.

mod coverage;
mod line;
mod tile;

pub use coverage::Coverage;

use crate::band::check_band;
use crate::plane::with_plane;
use crate::{BandError, BandSource, Canvas, Mapping, PlaneView, Size};
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// The bilinear value of `image` at `(x, y)`; pixels outside count as zero.
pub fn sample_bilinear<P: Copy + Into<f32>>(image: ArrayView2<'_, P>, x: f64, y: f64) -> f32 {
    let (height, width) = image.dim();
    if !(x > -1.0 && y > -1.0 && x < width as f64 && y < height as f64) {
        return 0.0; // also where a coordinate is NaN
    }
    let (x0, y0) = (x.floor(), y.floor());
    let fraction = ((x - x0) as f32, (y - y0) as f32);
    blend(image, (x0 as isize, y0 as isize), fraction)
}

/// The bilinear value of `image` between pixel `(x, y)` and its neighbours to the right and below.
fn blend<P: Copy + Into<f32>>(
    image: ArrayView2<'_, P>,
    (x, y): (isize, isize),
    (fx, fy): (f32, f32),
) -> f32 {
    let at = |x: isize, y: isize| -> f32 {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) => image.get((y, x)).map_or(0.0, |&v| v.into()),
            _ => 0.0,
        }
    };
    let above = lerp(at(x, y), at(x + 1, y), fx);
    let below = lerp(at(x, y + 1), at(x + 1, y + 1), fx);
    lerp(above, below, fy)
}

#[inline(always)]
fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// A plane seen through a warp on the canvas: what "aligned pre" is.
///
/// Each pixel depends on its own coordinates only, so that bands of any height on any number of threads give the same
/// bytes; so do processors with wider and narrower vectors. One interpolation from the raw plane, never two.
///
/// Coordinates in the plane are rounded to 2^-32 px (not on planes of more than a million pixels on an axis), so that a warp that moves by whole pixels or turns by right angles returns the pixels as they are.
#[derive(Debug)]
pub struct WarpedPlane<'a> {
    plane: PlaneView<'a>,
    canvas: Canvas,
    /// From canvas pixels of the result to raw pixels of `plane`.
    to_raw: Mapping,
}

impl<'a> WarpedPlane<'a> {
    /// `plane`, placed on `canvas` and sampled at `mapping` (post-canvas to pre-canvas pixels): a [`Warp`](crate::Warp), or one
    /// with a deformation on top.
    pub fn new(
        plane: impl Into<PlaneView<'a>>,
        canvas: Canvas,
        mapping: impl Into<Mapping>,
    ) -> Self {
        let pad = canvas.pad() as f64;
        Self {
            plane: plane.into(),
            canvas,
            to_raw: mapping.into().then_shift(-pad, -pad),
        }
    }
}

/// Rows that are made together, so that what they read of the plane is still in the caches for the next of them.
const BLOCK_ROWS: usize = 32;

/// Blocks per thread at least, so that none waits long for the last.
const BLOCKS_PER_THREAD: usize = 4;

impl BandSource for WarpedPlane<'_> {
    fn size(&self) -> Size {
        self.canvas.size()
    }

    fn read_band(
        &mut self,
        first_row: usize,
        mut band: ArrayViewMut2<'_, f32>,
    ) -> Result<(), BandError> {
        check_band(self.size(), first_row, band.dim())?;
        let blocks = BLOCKS_PER_THREAD * rayon::current_num_threads();
        let block_rows = band.nrows().div_ceil(blocks).clamp(1, BLOCK_ROWS);
        with_plane!(PlaneView, self.plane, image => {
            band.axis_chunks_iter_mut(Axis(0), block_rows)
                .into_par_iter()
                .enumerate()
                .for_each(|(i, block)| {
                    tile::fill_block(image, &self.to_raw, first_row + i * block_rows, block);
                });
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
