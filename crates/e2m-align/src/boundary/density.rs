//! Where there is section: smooth brightness against a threshold that follows the light.
//!
//! Pre and post differ by gain, illumination, stain and bleaching, so the threshold is found on the logarithm, where
//! section and glass are two humps of the histogram (N. Otsu, IEEE Trans. SMC 9 (1979) 62, doi:10.1109/TSMC.1979.4310076),
//! and then made local: a fixed share of the way from the glass to the section nearby. So the outline runs at the same
//! place in both images.

use crate::cv::gaussian_blur;
use crate::detail::percentile;
use crate::error::{AlignError, Side};
use ndarray::{Array2, ArrayView2, Zip};

/// The logarithm's offset as a share of the 99th percentile: below it counts are mostly noise.
const LOG_OFFSET_SHARE: f32 = 0.03;
/// Bins of the histogram.
const BINS: usize = 256;
/// The outline runs where brightness is this share of the way from glass to section. Below a half, so that dark grains
/// at the border stay inside.
const LEVEL_SHARE: f32 = 0.3;
/// The neighbourhood of the local levels: this share of the image's longer side.
const NEIGHBOURHOOD_SHARE: f64 = 1.0 / 50.0;
/// Where the neighbourhood holds less than this share of section, or of glass, the level of the whole image counts too.
const LEAST_WEIGHT: f32 = 0.1;
/// The neighbourhood and its weights are smooth: they are computed on an image reduced by this many px per sigma.
const PX_PER_SIGMA: f64 = 4.0;

/// Replaces what is not a number by zero, so that it cannot spread.
pub(super) fn finite(image: ArrayView2<'_, f32>) -> Array2<f32> {
    image.mapv(|v| if v.is_finite() { v } else { 0.0 })
}

/// Log brightness above the image's own floor. Gain becomes a constant, noise around zero is damped.
///
/// Fails for a constant image.
pub(super) fn log_brightness(smooth: &Array2<f32>, side: Side) -> Result<Array2<f32>, AlignError> {
    let low = percentile(smooth, 0.5);
    let high = percentile(smooth, 99.0);
    let peak = smooth.fold(f32::MIN, |a, &b| a.max(b));
    let top = if high > low { high } else { peak };
    if top.is_nan() || low.is_nan() || top <= low {
        return Err(AlignError::Blank {
            side,
            value: smooth.first().copied().unwrap_or(0.0),
        });
    }
    let offset = LOG_OFFSET_SHARE * (top - low);
    Ok(smooth.mapv(|v| ((v - low).max(0.0) + offset).ln()))
}

/// The pixels above Otsu's threshold on the logarithm.
pub(super) fn bright(log: &Array2<f32>) -> Array2<bool> {
    let threshold = otsu(log);
    log.mapv(|v| v > threshold)
}

/// The threshold that parts a histogram into the two most different halves.
fn otsu(image: &Array2<f32>) -> f32 {
    let (low, high) = image
        .iter()
        .fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let per_unit = BINS as f32 / (high - low).max(f32::MIN_POSITIVE);
    let mut histogram = [0.0f64; BINS];
    for &v in image {
        histogram[(((v - low) * per_unit) as usize).min(BINS - 1)] += 1.0;
    }
    let total: f64 = histogram.iter().sum();
    let sum: f64 = histogram
        .iter()
        .enumerate()
        .map(|(i, n)| i as f64 * n)
        .sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut best_variance) = (0, -1.0);
    for (i, n) in histogram.iter().enumerate() {
        below += n;
        sum_below += i as f64 * n;
        let above = total - below;
        if below == 0.0 || above <= 0.0 {
            continue;
        }
        let difference = sum_below / below - (sum - sum_below) / above;
        let variance = below * above * difference * difference;
        if variance > best_variance {
            (best, best_variance) = (i, variance);
        }
    }
    low + (best + 1) as f32 / per_unit
}

/// Brightness above the local threshold, in units of the local difference between section and glass: positive inside,
/// the outline where it is zero. `mask` says roughly where the section is.
pub(super) fn above_local_level(
    smooth: &Array2<f32>,
    mask: &Array2<bool>,
) -> Result<Array2<f32>, AlignError> {
    let (height, width) = smooth.dim();
    let sigma = NEIGHBOURHOOD_SHARE * width.max(height) as f64;
    let section = local_mean(smooth, mask, sigma)?;
    let glass = local_mean(smooth, &mask.mapv(|m| !m), sigma)?;
    let mut field = Array2::zeros(smooth.dim());
    Zip::from(&mut field)
        .and(smooth)
        .and(&section)
        .and(&glass)
        .for_each(|out, &v, &s, &g| {
            let span = (s - g).max(f32::MIN_POSITIVE);
            *out = (v - g) / span - LEVEL_SHARE;
        });
    Ok(field)
}

/// The mean of the pixels in `mask` nearby, with the mean of all of them where there are few.
fn local_mean(
    smooth: &Array2<f32>,
    mask: &Array2<bool>,
    sigma: f64,
) -> Result<Array2<f32>, AlignError> {
    let block = ((sigma / PX_PER_SIGMA) as usize).max(1);
    let (height, width) = smooth.dim();
    let small = (height.div_ceil(block), width.div_ceil(block));
    let (mut sums, mut counts) = (Array2::<f32>::zeros(small), Array2::<f32>::zeros(small));
    for ((y, x), &inside) in mask.indexed_iter() {
        if inside {
            sums[(y / block, x / block)] += smooth[(y, x)];
            counts[(y / block, x / block)] += 1.0;
        }
    }
    let whole = sums.sum() / counts.sum().max(1.0);
    let area = (block * block) as f32;
    sums /= area;
    counts /= area;
    let sigma = sigma / block as f64;
    let sums = gaussian_blur(sums.view(), sigma)?;
    let counts = gaussian_blur(counts.view(), sigma)?;
    let mut means = Array2::zeros(small);
    Zip::from(&mut means)
        .and(&sums)
        .and(&counts)
        .for_each(|out, &sum, &count| {
            let lacking = (LEAST_WEIGHT - count).max(0.0);
            *out = (sum + lacking * whole) / (count + lacking);
        });
    Ok(enlarge(&means, block, (height, width)))
}

/// The bilinear inverse of a reduction by whole blocks.
fn enlarge(small: &Array2<f32>, block: usize, shape: (usize, usize)) -> Array2<f32> {
    let position = |i: usize, extent: usize| {
        let at = ((i as f32 + 0.5) / block as f32 - 0.5).clamp(0.0, (extent - 1) as f32);
        let first = at as usize;
        (first, (first + 1).min(extent - 1), at - first as f32)
    };
    let columns: Vec<_> = (0..shape.1).map(|x| position(x, small.ncols())).collect();
    Array2::from_shape_fn(shape, |(y, x)| {
        let (top, bottom, v) = position(y, small.nrows());
        let (left, right, u) = columns[x];
        let row =
            |y: usize| small[(y, left)] + u * (small[(y, right)] - small[(y, left)]);
        row(top) + v * (row(bottom) - row(top))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bright disk on dark glass under light that falls off to the right.
    fn disk(gain: f32, fall: f32) -> Array2<f32> {
        Array2::from_shape_fn((300, 400), |(y, x)| {
            let r = (x as f32 - 200.0).hypot(y as f32 - 150.0);
            let light = gain * (1.0 - fall * x as f32 / 400.0);
            let edge = ((100.0 - r) / 2.0).clamp(-0.5, 0.5) + 0.5;
            light * (2.0 + 80.0 * edge)
        })
    }

    fn area(image: &Array2<f32>) -> usize {
        let smooth = gaussian_blur(image.view(), 2.0).expect("blurs");
        let log = log_brightness(&smooth, Side::Pre).expect("has contrast");
        let field = above_local_level(&smooth, &bright(&log)).expect("two levels");
        field.iter().filter(|&&v| v > 0.0).count()
    }

    #[test]
    fn gain_and_uneven_light_leave_the_outline_in_place() {
        let plain = area(&disk(1.0, 0.0));
        assert!(plain.abs_diff(31_900) < 700, "{plain}");
        // 0.1 px along the circumference of 628 px.
        for (gain, fall) in [(3.0, 0.0), (1.0, 0.5), (2.0, 0.7)] {
            let other = area(&disk(gain, fall));
            assert!(other.abs_diff(plain) < 63, "{plain} {other}");
        }
    }

    #[test]
    fn otsu_parts_two_humps_of_unequal_size() {
        let image = Array2::from_shape_fn((100, 100), |(y, x)| {
            let jitter = ((x * 7 + y * 13) % 11) as f32 * 0.01;
            if x < 8 { 3.0 + jitter } else { 1.0 + jitter }
        });
        assert!((1.1..3.0).contains(&otsu(&image)));
    }

    #[test]
    fn a_constant_image_is_blank() {
        let flat = Array2::from_elem((50, 60), 4.0);
        assert!(matches!(
            log_brightness(&flat, Side::Post),
            Err(AlignError::Blank { side: Side::Post, value: 4.0 })
        ));
    }
}
