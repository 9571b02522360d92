//! Where there is section: smooth brightness against a threshold that follows the light.
//!
//! Pre and post differ by gain, illumination, stain and bleaching, so the threshold is found on the logarithm, where
//! section and glass are two humps of the histogram (N. Otsu, IEEE Trans. SMC 9 (1979) 62, doi:10.1109/TSMC.1979.4310076),
//! and then made local: a fixed share of the way from the glass to the section nearby. So the outline runs at the same
//! place in both images.

use crate::percentile::percentile;
use crate::search::contrast::without_contrast;
use crate::search::cv::gaussian_blur;
use crate::search::error::{AlignError, Side};
use ndarray::{Array2, ArrayView2, Zip, s};

/// The logarithm's offset as a share of the 99th percentile: below it counts are mostly noise.
const LOG_OFFSET_SHARE: f32 = 0.03;
/// The histogram is taken of a sample of about this many px a side.
const SAMPLE_PX: usize = 400;
/// Bins of the histogram.
const BINS: usize = 256;
/// The outline runs where brightness is this share of the way from glass to section. Below a half, so that dark grains
/// at the border stay inside.
const LEVEL_SHARE: f32 = 0.4;
/// The neighbourhood of the local levels: this share of the image's longer side.
const NEIGHBOURHOOD_SHARE: f64 = 1.0 / 50.0;
/// Where the neighbourhood holds less than this share of section, or of glass, the level of the whole image counts too.
const LEAST_WEIGHT: f32 = 0.1;
/// The neighbourhood and its weights are smooth: they are computed on an image reduced by this many px per sigma.
const PX_PER_SIGMA: f64 = 4.0;
/// The share of the glass that is looked at: the rest may be dust and the glow beside the section.
const GLASS_SHARE: f64 = 0.8;
/// Of which every so manieth pixel is enough.
const GLASS_STRIDE: usize = 7;

/// Replaces what is not a number by zero, so that it cannot spread.
pub(super) fn finite(image: ArrayView2<'_, f32>) -> Array2<f32> {
    image.mapv(|v| if v.is_finite() { v } else { 0.0 })
}

/// The logarithm of brightness above the image's own floor. Gain becomes a constant, noise around zero is damped.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogScale {
    low: f32,
    offset: f32,
}

impl LogScale {
    /// The scale of an image. Fails for a constant one.
    pub(super) fn of(smooth: &Array2<f32>, side: Side) -> Result<Self, AlignError> {
        let low = percentile(smooth, 0.5);
        let high = percentile(smooth, 99.0);
        let peak = smooth.fold(f32::MIN, |a, &b| a.max(b));
        let top = if high > low { high } else { peak };
        if top.is_nan() || low.is_nan() || top <= low {
            return Err(without_contrast(smooth.view(), side));
        }
        let offset = LOG_OFFSET_SHARE * (top - low);
        Ok(Self { low, offset })
    }

    pub(super) fn log(&self, value: f32) -> f32 {
        ((value - self.low).max(0.0) + self.offset).ln()
    }

    fn value(&self, log: f32) -> f32 {
        log.exp() - self.offset + self.low
    }
}

/// The pixels above Otsu's threshold on the logarithm.
///
/// Fails for a constant image.
pub(super) fn bright(smooth: &Array2<f32>, side: Side) -> Result<Array2<bool>, AlignError> {
    let stride = (smooth.nrows().max(smooth.ncols()) / SAMPLE_PX).max(1);
    let sample = smooth.slice(s![..;stride, ..;stride]).to_owned();
    // A section may be small enough to fall through the sieve.
    let (sample, scale) = match LogScale::of(&sample, side) {
        Ok(scale) => (sample, scale),
        Err(_) => (smooth.clone(), LogScale::of(smooth, side)?),
    };
    let threshold = scale.value(otsu(&sample.mapv(|v| scale.log(v))));
    Ok(smooth.mapv(|v| v > threshold))
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
    let block = ((sigma / PX_PER_SIGMA) as usize).max(1);
    let [section, glass] = block_sums(smooth, mask, block);
    let section = section.local_mean(sigma / block as f64)?;
    let glass = glass.local_mean(sigma / block as f64)?;
    let columns: Vec<_> = (0..width)
        .map(|x| between(x, block, section.ncols()))
        .collect();
    let mut field = Array2::zeros((height, width));
    for (y, (mut out, values)) in field.outer_iter_mut().zip(smooth.outer_iter()).enumerate() {
        let (top, bottom, v) = between(y, block, section.nrows());
        let row = |means: &Array2<f32>| &means.row(top) * (1.0 - v) + &means.row(bottom) * v;
        let (section, glass) = (row(&section), row(&glass));
        for ((out, &value), &(left, right, u)) in out.iter_mut().zip(values).zip(&columns) {
            let dark = glass[left] + u * (glass[right] - glass[left]);
            let light = section[left] + u * (section[right] - section[left]);
            *out = (value - dark) / (light - dark).max(f32::MIN_POSITIVE) - LEVEL_SHARE;
        }
    }
    Ok(field)
}

/// The distance from the local glass level that [`GLASS_SHARE`] of the pixels outside `mask` keep, in units of the local
/// difference between section and glass; 0 where nothing lies outside. `field` is [`above_local_level`].
///
/// Empty glass is even: its noise gives a few hundredths. Dark grains vary by a third.
pub(super) fn glass_spread(field: &Array2<f32>, mask: &Array2<bool>) -> f64 {
    let outside = field.iter().zip(mask).filter(|(_, inside)| !**inside);
    let mut distances: Vec<f32> = outside
        .step_by(GLASS_STRIDE)
        .map(|(v, _)| (v + LEVEL_SHARE).abs())
        .collect();
    if distances.is_empty() {
        return 0.0;
    }
    let rank = ((distances.len() - 1) as f64 * GLASS_SHARE) as usize;
    f64::from(*distances.select_nth_unstable_by(rank, f32::total_cmp).1)
}

/// The two blocks whose centres the pixel `i` lies between, and how far it has come from the first to the second.
fn between(i: usize, block: usize, blocks: usize) -> (usize, usize, f32) {
    let at = ((i as f32 + 0.5) / block as f32 - 0.5).clamp(0.0, (blocks - 1) as f32);
    let first = at as usize;
    (first, (first + 1).min(blocks - 1), at - first as f32)
}

/// Sums of some of the pixels in each block, and their share of its area.
struct BlockSums {
    sums: Array2<f32>,
    shares: Array2<f32>,
}

/// Of the pixels inside `mask`, and of those outside.
fn block_sums(smooth: &Array2<f32>, mask: &Array2<bool>, block: usize) -> [BlockSums; 2] {
    let (height, width) = smooth.dim();
    let empty = Array2::<f32>::zeros((height.div_ceil(block), width.div_ceil(block)));
    let mut parts = [0, 1].map(|_| BlockSums {
        sums: empty.clone(),
        shares: empty.clone(),
    });
    let per_pixel = 1.0 / (block * block) as f32;
    for ((y, values), inside) in smooth.outer_iter().enumerate().zip(mask.outer_iter()) {
        let values = values.into_iter().zip(inside);
        for (x, (&value, &inside)) in values.enumerate() {
            let part = &mut parts[usize::from(!inside)];
            part.sums[(y / block, x / block)] += value * per_pixel;
            part.shares[(y / block, x / block)] += per_pixel;
        }
    }
    parts
}

impl BlockSums {
    /// The mean nearby (`sigma` in blocks), with the mean of the whole image where there is little nearby.
    fn local_mean(&self, sigma: f64) -> Result<Array2<f32>, AlignError> {
        let whole = self.sums.sum() / self.shares.sum().max(f32::MIN_POSITIVE);
        let mut means = gaussian_blur(self.sums.view(), sigma)?;
        let shares = gaussian_blur(self.shares.view(), sigma)?;
        Zip::from(&mut means).and(&shares).for_each(|mean, &share| {
            let lacking = (LEAST_WEIGHT - share).max(0.0);
            *mean = (*mean + lacking * whole) / (share + lacking);
        });
        Ok(means)
    }
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
        let mask = bright(&smooth, Side::Pre).expect("has contrast");
        let field = above_local_level(&smooth, &mask).expect("two levels");
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
            bright(&flat, Side::Post),
            Err(AlignError::Blank {
                side: Side::Post,
                value: 4.0
            })
        ));
    }
}
