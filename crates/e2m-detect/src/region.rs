//! A piece of the image that one thread works on, with what lies around it.

use crate::filter::{convolved, paired};
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
    /// Whether a pixel has data and its background, smoothed over 3 x 3 px, is that of section.
    pub(crate) is_section: Array2<bool>,
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
        (noise, section_level): (&NoiseModel, f32),
        at_border: [bool; 4],
    ) -> Self {
        let background = background.to_owned();
        let smooth = smoothed(&background);
        let level = broadly_smoothed(&background, mask);
        let mut inverse_variance = Array2::zeros(background.dim());
        let mut gradients = vec![0.0; background.ncols()];
        let mut curvatures = gradients.clone();
        for (y, mut row) in inverse_variance.rows_mut().into_iter().enumerate() {
            squared_derivatives(&smooth, y, &mut gradients, &mut curvatures);
            let (level, mask) = (level.row(y / 2), mask.row(y));
            let derivatives = gradients.iter().zip(&curvatures);
            let all = row.iter_mut().zip(derivatives).zip(mask);
            for (x, ((out, (&gradient, &curvature)), mask)) in all.enumerate() {
                if mask & mask::NO_DATA == 0 {
                    *out = 1.0 / noise.variance(level[x / 2], gradient, curvature);
                }
            }
        }
        let mut is_section = inverse_variance.mapv(|i| i > 0.0);
        is_section.zip_mut_with(&smooth, |is, &b| *is = *is && b >= section_level);
        Self {
            origin,
            difference: difference.to_owned(),
            background,
            is_section,
            inverse_variance,
            mask: mask.to_owned(),
            at_border,
        }
    }

    /// From now on what would be seen if post and pre changed places: what pre has is what is found.
    pub(crate) fn negate(&mut self) {
        for image in [&mut self.difference, &mut self.background] {
            image.mapv_inplace(|v| -v);
        }
    }

    /// A region of its own, with data everywhere the inverse variance is positive.
    #[cfg(test)]
    pub(crate) fn of(difference: Array2<f32>, inverse_variance: Array2<f32>) -> Self {
        Self {
            origin: (0, 0),
            background: Array2::zeros(difference.dim()),
            is_section: Array2::from_elem(difference.dim(), true),
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

/// The brightness that a pixel's variance follows from: the background smoothed by a binomial kernel of sigma 4 px, at pixels of
/// 2 x 2. Where pre is dark by chance the difference is bright by chance; a variance from the same few pixels would be too
/// small there, and what is bright by chance too significant.
fn broadly_smoothed(background: &Array2<f32>, mask: ArrayView2<'_, u8>) -> Array2<f32> {
    // Where there are no data the background is 0. These weights are sums of powers of two: without gaps exactly 1.
    let has_data = mask.mapv(|m| if m & mask::NO_DATA == 0 { 1.0 } else { 0.0 });
    let weights = convolved(&paired(&has_data), &BINOMIAL);
    let mut level = convolved(&paired(background), &BINOMIAL);
    level.zip_mut_with(&weights, |sum, &weight| {
        *sum = if weight > 0.0 { *sum / weight } else { 0.0 };
    });
    level
}

/// 4^-8 times the binomial coefficients of 16.
const BINOMIAL: [f32; 17] = {
    let coefficients = [
        1.0, 16.0, 120.0, 560.0, 1820.0, 4368.0, 8008.0, 11440.0, 12870.0, 11440.0, 8008.0, 4368.0,
        1820.0, 560.0, 120.0, 16.0, 1.0,
    ];
    let mut kernel = [0.0; 17];
    let mut i = 0;
    while i < 17 {
        kernel[i] = coefficients[i] / 65536.0;
        i += 1;
    }
    kernel
};

/// The background smoothed over 3 x 3 px.
fn smoothed(background: &Array2<f32>) -> Array2<f32> {
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

/// The squared gradient of a smoothed background along row `y`, counts^2 per px^2, and its squared curvature, counts^2, which is 0 at
/// the border.
fn squared_derivatives(smooth: &Array2<f32>, y: usize, out: &mut [f32], curvatures: &mut [f32]) {
    let (rows, columns) = smooth.dim();
    let (up, down) = (y.saturating_sub(1), (y + 1).min(rows - 1));
    let slices = (smooth.row(up), smooth.row(y), smooth.row(down));
    let (Some(above), Some(at), Some(below)) = (
        slices.0.to_slice(),
        slices.1.to_slice(),
        slices.2.to_slice(),
    ) else {
        return;
    };
    let per_row = 1.0 / (down - up).max(1) as f32;
    for (out, (above, below)) in out.iter_mut().zip(above.iter().zip(below)) {
        *out = ((below - above) * per_row).powi(2);
    }
    let across = |left: usize, right: usize| {
        let slope = (at[right] - at[left]) / (right - left).max(1) as f32;
        slope * slope
    };
    for (out, pair) in out.iter_mut().skip(1).zip(at.windows(3)) {
        *out += (0.5 * (pair[2] - pair[0])).powi(2);
    }
    curvatures.fill(0.0);
    if up < y && y < down {
        let inner = curvatures.iter_mut().skip(1).zip(at.windows(3));
        for ((out, pair), (above, below)) in inner.zip(above[1..].iter().zip(&below[1..])) {
            *out = (pair[0] + pair[2] + above + below - 4.0 * pair[1]).powi(2);
        }
    }
    let last = columns - 1;
    out[0] += across(0, last.min(1));
    if last > 0 {
        out[last] += across(last - 1, last);
    }
}
