//! Matched filters of eight sizes.
//!
//! With `E = difference / variance` and `I = 1 / variance`, both 0 where there are no data, the significance of a source of the
//! shape `g` is `(g * E) / sqrt(g^2 * I)`: the best estimate of its brightness over the error of that. The four coarse filters
//! look at a difference that is cut off at 3 standard deviations, so that a compact bright microbe does not appear in them as a
//! large faint one. They work on pixels of 2 x 2.

use crate::region::Region;
use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis};

/// Sigmas of the filters, px.
pub(crate) const SIGMAS: [f32; 8] = [0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0];
/// The first of the coarse ones.
pub(crate) const FIRST_COARSE: usize = 4;
/// Filters end at so many sigma.
const REACH: f32 = 3.0;
/// What coarse filters see of a pixel at most, standard deviations.
const CUT_OFF: f32 = 3.0;
/// How far a filter sees, px: the largest one, on pairs of pixels, and the smoothing of the background before it.
pub(crate) const FILTER_REACH: usize = 44;

/// What one filter finds at each of its pixels.
pub(crate) struct Response {
    /// Which filter.
    pub(crate) filter: usize,
    /// Pixels of the image per pixel of the response, along each axis: 1 or 2.
    pub(crate) step: usize,
    /// The significance, in units of what the noise model predicts; 0 where nothing is seen.
    pub(crate) significance: Array2<f32>,
}

/// Calls `take` with the response of each filter in turn.
pub(crate) fn respond(region: &Region, mut take: impl FnMut(Response)) {
    let fine = region.difference.dim();
    let mut weighted = Array2::zeros(fine);
    let mut cut_off = Array2::zeros(fine);
    for (at, &i) in region.inverse_variance.indexed_iter() {
        let d = region.difference[at];
        weighted[at] = d * i;
        let root = i.sqrt();
        cut_off[at] = (d * root).clamp(-CUT_OFF, CUT_OFF) * root;
    }
    let (halves, weights) = (paired(&cut_off), paired(&region.inverse_variance));
    for (filter, sigma) in SIGMAS.into_iter().enumerate() {
        let coarse = filter >= FIRST_COARSE;
        let (e, i, step) = if coarse {
            (&halves, &weights, 2)
        } else {
            (&weighted, &region.inverse_variance, 1)
        };
        let sigma = sigma / step as f32;
        let kernel = gaussian(sigma);
        let squared: Vec<f32> = kernel.iter().map(|k| k * k).collect();
        let mut significance = convolved(e, &kernel);
        let variance = convolved(i, &squared);
        significance.zip_mut_with(&variance, |s, &v| {
            *s = if v > 0.0 { *s / v.sqrt() } else { 0.0 };
        });
        take(Response {
            filter,
            step,
            significance,
        });
    }
}

/// A Gaussian at whole pixels, its middle first in the middle, 1 there.
fn gaussian(sigma: f32) -> Vec<f32> {
    let reach = (REACH * sigma).ceil() as i32;
    let at = |i: i32| (-0.5 * (i as f32 / sigma).powi(2)).exp();
    (-reach..=reach).map(at).collect()
}

/// Sums of 2 x 2 px; what is left over at the end counts as zeros.
pub(crate) fn paired(image: &Array2<f32>) -> Array2<f32> {
    let (rows, columns) = image.dim();
    let mut out = Array2::zeros((rows.div_ceil(2), columns.div_ceil(2)));
    for (y, row) in image.axis_iter(Axis(0)).enumerate() {
        let mut sums = out.row_mut(y / 2);
        for (x, value) in row.iter().enumerate() {
            sums[x / 2] += value;
        }
    }
    out
}

/// Convolves rows, then columns; zero outside. A pixel's sums are made in the same order wherever the image begins.
pub(crate) fn convolved(image: &Array2<f32>, kernel: &[f32]) -> Array2<f32> {
    let (rows, columns) = image.dim();
    let reach = kernel.len() / 2;
    let mut across = Array2::zeros((rows, columns));
    for (row, mut out) in image.rows().into_iter().zip(across.rows_mut()) {
        for (tap, &k) in kernel.iter().enumerate() {
            let (from, to) = (tap.saturating_sub(reach), reach.saturating_sub(tap));
            let n = columns.saturating_sub(from.max(to));
            add(row, from, out.view_mut(), to, n, k);
        }
    }
    let mut out = Array2::zeros((rows, columns));
    for (y, mut row) in out.rows_mut().into_iter().enumerate() {
        for (tap, &k) in kernel.iter().enumerate() {
            let Some(source) = (y + tap).checked_sub(reach).filter(|&s| s < rows) else {
                continue;
            };
            add(across.row(source), 0, row.view_mut(), 0, columns, k);
        }
    }
    out
}

/// `out[to + i] += k x row[from + i]` for `i < n`.
fn add(
    row: ArrayView1<'_, f32>,
    from: usize,
    mut out: ArrayViewMut1<'_, f32>,
    to: usize,
    n: usize,
    k: f32,
) {
    if let (Some(row), Some(out)) = (row.as_slice(), out.as_slice_mut()) {
        for (out, value) in out[to..to + n].iter_mut().zip(&row[from..from + n]) {
            *out += k * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_finds_the_significance_of_its_own_shape() {
        let (sigma, peak, sd) = (2.0f32, 10.0f32, 4.0f32);
        let shape = (81, 91);
        let difference = Array2::from_shape_fn(shape, |(y, x)| {
            let squared = (y as f32 - 40.0).powi(2) + (x as f32 - 44.0).powi(2);
            peak * (-0.5 * squared / (sigma * sigma)).exp()
        });
        let region = Region::of(difference, Array2::from_elem(shape, 1.0 / (sd * sd)));
        let expected = peak / sd * (std::f32::consts::PI * sigma * sigma).sqrt();
        let mut best = (0.0, 0);
        respond(&region, |response| {
            let at = (40 / response.step, 44 / response.step);
            let found = response.significance[at];
            if found > best.0 {
                best = (found, response.filter);
            }
        });
        assert_eq!(best.1, 3);
        assert!(
            (best.0 / expected - 1.0).abs() < 0.01,
            "{best:?} {expected}"
        );
    }

    #[test]
    fn pixels_without_data_have_no_say() {
        let shape = (40, 40);
        let mut weights = Array2::from_elem(shape, 1.0);
        weights.slice_mut(ndarray::s![.., 20..]).fill(0.0);
        let region = Region::of(Array2::from_elem(shape, 5.0), weights);
        respond(&region, |response| {
            if response.filter == 1 {
                assert_eq!(response.significance[(20, 30)], 0.0);
                // Half the filter, half the signal, half the variance: less by the root of two.
                let ratio = response.significance[(20, 10)] / response.significance[(20, 19)];
                assert!(ratio > 1.0 && ratio < 1.45, "{ratio}");
            }
        });
    }
}
