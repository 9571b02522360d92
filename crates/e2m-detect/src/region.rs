//! A piece of the image that one thread works on, with what lies around it.

use crate::noise::{NoiseModel, smooth_row};
use crate::source::mask;
use ndarray::{Array2, ArrayView2};

/// Pixels of a tile and around it.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// Column and row of its first pixel in the image; both are even.
    pub(crate) origin: (usize, usize),
    /// `post - background - field`, counts.
    pub(crate) difference: Array2<f32>,
    /// `scale x pre`, counts.
    pub(crate) background: Array2<f32>,
    /// Inverse of the variance of the difference; 0 where there are no data.
    pub(crate) inverse_variance: Array2<f32>,
    /// The flags of [`mask`].
    pub(crate) mask: Array2<u8>,
    /// Whether each side is the border of the image: left, top, right, bottom.
    pub(crate) at_border: [bool; 4],
}

impl Region {
    /// From views of the strip that it lies in.
    pub(crate) fn new(
        origin: (usize, usize),
        difference: ArrayView2<'_, f32>,
        background: ArrayView2<'_, f32>,
        mask: ArrayView2<'_, u8>,
        noise: &NoiseModel,
        at_border: [bool; 4],
    ) -> Self {
        let background = background.to_owned();
        let smooth = smoothed(&background);
        let inverse_variance = Array2::from_shape_fn(background.dim(), |at| {
            if mask[at] & mask::NO_DATA == 0 {
                1.0 / noise.variance(smooth[at], squared_gradient(&smooth, at))
            } else {
                0.0
            }
        });
        Self {
            origin,
            difference: difference.to_owned(),
            background,
            inverse_variance,
            mask: mask.to_owned(),
            at_border,
        }
    }

    /// A region of its own, with data everywhere the inverse variance is positive.
    #[cfg(test)]
    pub(crate) fn of(difference: Array2<f32>, inverse_variance: Array2<f32>) -> Self {
        Self {
            origin: (0, 0),
            background: Array2::zeros(difference.dim()),
            mask: inverse_variance.mapv(|i| if i > 0.0 { 0 } else { mask::NO_PRE }),
            difference,
            inverse_variance,
            at_border: [true; 4],
        }
    }

    /// Rows and columns.
    pub(crate) fn dim(&self) -> (usize, usize) {
        self.difference.dim()
    }
}

/// The background smoothed over 3 x 3 px.
pub(crate) fn smoothed(background: &Array2<f32>) -> Array2<f32> {
    let mut smooth = Array2::zeros(background.dim());
    let last = background.nrows().saturating_sub(1);
    for (y, mut out) in smooth.rows_mut().into_iter().enumerate() {
        let row = |y: usize| background.row(y.min(last)).to_slice();
        let rows = (row(y.saturating_sub(1)), row(y), row(y + 1));
        if let (Some(above), Some(at), Some(below)) = rows
            && let Some(out) = out.as_slice_mut()
        {
            smooth_row(above, at, below, out);
        }
    }
    smooth
}

/// The squared gradient of a smoothed background, counts^2 per px^2.
pub(crate) fn squared_gradient(smooth: &Array2<f32>, (y, x): (usize, usize)) -> f32 {
    let (rows, columns) = smooth.dim();
    let (up, down) = (y.saturating_sub(1), (y + 1).min(rows - 1));
    let (left, right) = (x.saturating_sub(1), (x + 1).min(columns - 1));
    let vertical = (smooth[(down, x)] - smooth[(up, x)]) / (down - up).max(1) as f32;
    let across = (smooth[(y, right)] - smooth[(y, left)]) / (right - left).max(1) as f32;
    vertical * vertical + across * across
}
