//! Matched filters of eight sizes.
//!
//! With `E = difference / variance` and `I = 1 / variance`, both 0 where there are no data, the significance of a source of the
//! shape `g` is `(g * E) / sqrt(g^2 * I)`: the best estimate of its brightness over the error of that. The four coarse filters
//! look at a difference that is cut off at 3 standard deviations, so that a compact bright microbe does not appear in them as a
//! large faint one. They work on pixels of 2 x 2.

use crate::region::Region;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip};
use rayon::prelude::*;

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
pub(crate) struct Response<'a> {
    /// Which filter.
    pub(crate) filter: usize,
    /// Pixels of the image per pixel of the response, along each axis: 1 or 2.
    pub(crate) step: usize,
    /// The significance, in units of what the noise model predicts; 0 where nothing is seen.
    pub(crate) significance: &'a Array2<f32>,
}

/// Calls `take` with the response of each filter in turn.
pub(crate) fn respond(region: &Region, mut take: impl FnMut(Response<'_>)) {
    let fine = region.difference.dim();
    let mut weighted = Array2::zeros(fine);
    let mut cut_off = Array2::zeros(fine);
    Zip::from(&mut weighted)
        .and(&mut cut_off)
        .and(&region.difference)
        .and(&region.inverse_variance)
        .for_each(|weighted, cut_off, &d, &i| {
            *weighted = d * i;
            let root = i.sqrt();
            *cut_off = (d * root).clamp(-CUT_OFF, CUT_OFF) * root;
        });
    let (halves, weights) = (paired(&cut_off), paired(&region.inverse_variance));
    drop(cut_off);
    let mut convolver = Convolver::default();
    let mut room = [fine, halves.dim()].map(|dim| [Array2::zeros(dim), Array2::zeros(dim)]);
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
        let [significance, variance] = &mut room[step - 1];
        convolver.convolve(e, &kernel, significance);
        convolver.convolve(i, &squared, variance);
        significance.zip_mut_with(variance, |s, &v| {
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
        if let (Some(row), Some(sums)) = (row.as_slice(), sums.as_slice_mut()) {
            for (sum, pair) in sums.iter_mut().zip(row.chunks(2)) {
                pair.iter().for_each(|value| *sum += value);
            }
        }
    }
    out
}

/// Convolves rows, then columns; zero outside. A pixel's sums are made in the same order wherever the image begins.
pub(crate) fn convolved(image: &Array2<f32>, kernel: &[f32]) -> Array2<f32> {
    let mut out = Array2::zeros(image.dim());
    Convolver::default().convolve(image, kernel, &mut out);
    out
}

/// Pixels whose sums are made at a time: they stay in registers.
const LANES: usize = 32;
/// Columns that are convolved from top to bottom at a time: the rows that a kernel sees of them stay in the nearest cache.
const PANEL: usize = 2 * LANES;

/// Convolution, with the room that it needs in between.
#[derive(Debug, Default)]
struct Convolver {
    /// What was convolved along rows, with rows of zeros above and below.
    across: Vec<f32>,
}

impl Convolver {
    /// `out` is as large as the image.
    fn convolve(&mut self, image: &Array2<f32>, kernel: &[f32], out: &mut Array2<f32>) {
        let (rows, columns) = image.dim();
        let reach = kernel.len() / 2;
        let wide = columns.next_multiple_of(PANEL);
        self.across.clear();
        self.across.resize((rows + 2 * reach) * wide, 0.0);
        let inner = &mut self.across[reach * wide..(reach + rows) * wide];
        let blocks = inner.par_chunks_mut(BLOCK_ROWS * wide);
        blocks
            .zip(image.axis_chunks_iter(Axis(0), BLOCK_ROWS).into_par_iter())
            .for_each(|(out, image)| Pass::Rows(image, out).run(kernel, wide));
        let across = &self.across;
        out.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS)
            .into_par_iter()
            .enumerate()
            .for_each(|(block, out)| {
                Pass::Columns(&across[block * BLOCK_ROWS * wide..], out).run(kernel, wide);
            });
    }
}

/// Half of a convolution of some rows: from an image or what was made of it, to where it goes.
enum Pass<'a> {
    Rows(ArrayView2<'a, f32>, &'a mut [f32]),
    Columns(&'a [f32], ArrayViewMut2<'a, f32>),
}

impl Pass<'_> {
    fn run(self, kernel: &[f32], wide: usize) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "compiled for a feature that was just asked for")]
            // SAFETY: the processor has AVX2, which is all that the function needs beyond what any has.
            return unsafe { self.run_avx2(kernel, wide) };
        }
        self.run_on_any(kernel, wide);
    }

    /// The same operations, more at a time, and none fused: the sums are the same to the bit.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn run_avx2(self, kernel: &[f32], wide: usize) {
        self.run_on_any(kernel, wide);
    }

    #[inline(always)]
    fn run_on_any(self, kernel: &[f32], wide: usize) {
        match self {
            Self::Rows(image, out) => along_rows(&image, kernel, out, wide),
            Self::Columns(above, mut out) => along_columns(above, kernel, &mut out, wide),
        }
    }
}

/// Rows that a thread convolves at a time.
const BLOCK_ROWS: usize = 64;

/// Rows of `image` into those of `out`, of `wide` values each.
#[inline(always)]
fn along_rows(image: &ArrayView2<'_, f32>, kernel: &[f32], out: &mut [f32], wide: usize) {
    let (columns, reach) = (image.ncols(), kernel.len() / 2);
    // Zeros before and behind.
    let mut padded = vec![0.0; wide + kernel.len()];
    for (row, out) in image.rows().into_iter().zip(out.chunks_exact_mut(wide)) {
        let middle = padded[reach..reach + columns].iter_mut();
        middle.zip(row).for_each(|(to, from)| *to = *from);
        for (x, out) in out.chunks_exact_mut(LANES).enumerate() {
            let windows = kernel.iter().zip(padded[x * LANES..].windows(LANES));
            out.copy_from_slice(&summed(windows));
        }
    }
}

/// Rows of `out` from those of `above`, of `wide` values each, that lie from as many rows above as the kernel reaches on.
#[inline(always)]
fn along_columns(above: &[f32], kernel: &[f32], out: &mut ArrayViewMut2<'_, f32>, wide: usize) {
    let columns = out.ncols();
    for panel in (0..columns).step_by(PANEL) {
        for (y, mut row) in out.rows_mut().into_iter().enumerate() {
            let Some(row) = row.as_slice_mut() else {
                continue;
            };
            let above = &above[y * wide..];
            for (i, out) in row[panel..columns.min(panel + PANEL)]
                .chunks_mut(LANES)
                .enumerate()
            {
                let from = panel + i * LANES;
                let windows = above.chunks(wide).map(|row| &row[from..from + LANES]);
                let sums = summed(kernel.iter().zip(windows));
                match <&mut [f32; LANES]>::try_from(&mut *out) {
                    Ok(out) => *out = sums,
                    Err(_) => out.copy_from_slice(&sums[..out.len()]),
                }
            }
        }
    }
}

/// Sums of a kernel's taps times the pixels that each of them sees.
#[inline(always)]
fn summed<'a>(taps: impl Iterator<Item = (&'a f32, &'a [f32])>) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for (&k, seen) in taps {
        for (sum, value) in sums.iter_mut().zip(seen) {
            *sum += k * value;
        }
    }
    sums
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
