//! The scale of the background: the peak of the log ratios, its profile and its error.

use crate::error::ScaleError;
use crate::moffat::{Histogram, MoffatFit, bridged, fit_about};
use crate::peak::{highest, smooth, width_at_half_height};
use crate::statistics::{GROUPS, RatioStatistics};
use serde::{Deserialize, Serialize};

/// Pixels with signal in both images that a scale needs.
const MIN_PIXELS: u64 = 100;
/// The share of pixels, the brightest, that the peak is taken from where they are bright enough. Fainter ones carry rounding and
/// the camera's offset.
const BRIGHT_SHARE: f64 = 0.5;
/// Aligned pre counts of 8 and more: rounding to whole counts moves a ratio by at most some 6 %, symmetrically.
const MIN_CLASS: usize = 4;
/// The peak is smoothed by this share of its width, which leaves its position and takes its noise.
const SMOOTHING_SHARE: f64 = 0.15;
/// Smoothing with which the width is found, bins.
const FIRST_SMOOTHING_BINS: f64 = 8.0;
/// Bins left out around ratio 1 on either side.
const UNCHANGED_BINS: f64 = 2.0;
/// Where fewer than this share of the pixels remain without those bins, the background itself did not change, and they
/// stay.
const MIN_CHANGED_SHARE: f64 = 0.1;

/// A scale from the distribution of ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoffatScale {
    /// The factor by which the background became brighter.
    pub value: f64,
    /// Its standard error, from the scatter between groups of rows (delete-one jackknife).
    pub std_error: f64,
    /// The profile about the peak; `None` where none could be fitted and the value is the peak itself.
    pub fit: Option<MoffatFit>,
    /// Pixels it rests on.
    pub pixels: u64,
}

/// The scale at the peak of the distribution of log ratios.
///
/// # Errors
/// [`ScaleError::FewPixels`] where hardly a pixel has signal in both images.
pub fn estimate_scale(statistics: &RatioStatistics) -> Result<MoffatScale, ScaleError> {
    let found = statistics.both_positive();
    let too_few = ScaleError::FewPixels {
        found,
        needed: MIN_PIXELS,
    };
    if found < MIN_PIXELS {
        return Err(too_few);
    }
    let class = bright_class(statistics);
    let mut counts = as_floats(&statistics.histogram(class, None));
    let bridges = lies_apart_from_one(&counts);
    if bridges {
        counts = without_unchanged(counts);
    }
    let pixels = counts.iter().sum::<f64>() as u64;
    let top = peak(&counts).ok_or(too_few)?;
    let groups: Vec<f64> = (0..GROUPS)
        .filter_map(|group| {
            let counts = as_floats(&statistics.histogram(class, Some(group)));
            peak(&if bridges {
                without_unchanged(counts)
            } else {
                counts
            })
        })
        .map(|top| 10f64.powf(RatioStatistics::bin_centre(top)))
        .collect();
    let fit = profile(&counts, top);
    if fit.is_none() {
        tracing::warn!(
            "no Moffat profile fits the ratios; the scale is the peak of their smoothed distribution"
        );
    }
    Ok(MoffatScale {
        value: 10f64.powf(RatioStatistics::bin_centre(top)),
        std_error: jackknife(&groups),
        fit,
        pixels,
    })
}

/// The lowest brightness class such that it and all above hold about [`BRIGHT_SHARE`] of the pixels, but not below
/// [`MIN_CLASS`] as long as enough pixels remain.
fn bright_class(statistics: &RatioStatistics) -> usize {
    let totals = statistics.class_totals();
    let from = |class: usize| totals[class..].iter().sum::<u64>();
    let wanted = (statistics.both_positive() as f64 * BRIGHT_SHARE) as u64;
    let bright = (0..totals.len())
        .rev()
        .find(|&c| from(c) >= wanted)
        .unwrap_or(0);
    let clean = bright.max(MIN_CLASS);
    if from(clean) >= MIN_PIXELS {
        clean
    } else {
        bright
    }
}

fn as_floats(counts: &[u64]) -> Vec<f64> {
    counts.iter().map(|&c| c as f64).collect()
}

/// The histogram with the bins around a ratio of exactly 1 bridged.
fn without_unchanged(counts: Vec<f64>) -> Vec<f64> {
    let middle = counts.len() as f64 / 2.0 - 0.5;
    bridged(&counts, |i| (i as f64 - middle).abs() <= UNCHANGED_BINS)
}

/// Whether the background's peak is another one than the pile of unchanged pixels at a ratio of 1: without those bins it
/// lies farther from them than it is wide. Otherwise they are part of it.
fn lies_apart_from_one(counts: &[f64]) -> bool {
    let middle = counts.len() as f64 / 2.0 - 0.5;
    let rough = smooth(&without_unchanged(counts.to_vec()), FIRST_SMOOTHING_BINS);
    let Some(top) = highest(&rough).filter(|_| rough.iter().sum::<f64>() > 0.0) else {
        return false;
    };
    let width = width_at_half_height(&rough, top.round() as usize);
    let changed: f64 = rough.iter().sum();
    (top - middle).abs() > width as f64 && changed >= MIN_CHANGED_SHARE * counts.iter().sum::<f64>()
}

/// The position of the peak, in bins: smoothed first coarsely, to learn its width, then by a share of that width.
fn peak(counts: &[f64]) -> Option<f64> {
    if counts.iter().all(|c| *c == 0.0) {
        return None;
    }
    let rough = smooth(counts, FIRST_SMOOTHING_BINS);
    let width = width_at_half_height(&rough, highest(&rough)?.round() as usize);
    highest(&smooth(counts, (SMOOTHING_SHARE * width as f64).max(1.5)))
}

/// The Moffat profile about the peak, on bins widened so that the peak spans some twenty of them.
fn profile(counts: &[f64], top: f64) -> Option<MoffatFit> {
    let width = width_at_half_height(&smooth(counts, FIRST_SMOOTHING_BINS), top.round() as usize);
    let merge = (width / 20).max(1);
    let merged: Vec<f64> = counts.chunks(merge).map(|c| c.iter().sum()).collect();
    let low = RatioStatistics::bin_centre(-0.5);
    let high = low + RatioStatistics::BIN_WIDTH * (merged.len() * merge) as f64;
    fit_about(
        Histogram {
            low,
            high,
            counts: &merged,
        },
        (top + 0.5) / merge as f64 - 0.5,
    )
}

/// Delete-one jackknife: the standard error from the values without each group in turn.
fn jackknife(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    ((n - 1.0) / n * values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Hashed noise in -0.5..0.5.
    fn noise(seed: u64, i: usize) -> f64 {
        let mut h = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ seed.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        h ^= h >> 29;
        h = h.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (h >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    fn pair(scale: f64, seed: u64, quantised: bool, stained: f64) -> RatioStatistics {
        let mut post = Array2::<f32>::zeros((600, 500));
        let mut pre = post.clone();
        for (i, (post, pre)) in post.iter_mut().zip(pre.iter_mut()).enumerate() {
            let background = 30.0 + 100.0 * (noise(seed, i) + 0.5);
            let stain = if noise(seed + 1, i) + 0.5 < stained {
                40.0 * (noise(seed + 2, i) + 0.5)
            } else {
                0.0
            };
            let value = |v: f64, s: u64| {
                if quantised {
                    (v + 2.0 * noise(s, i)).round()
                } else {
                    v + 2.0 * noise(s, i)
                }
            };
            *pre = value(background, seed + 3) as f32;
            *post = value(scale * background + stain, seed + 4) as f32;
        }
        let mut statistics = RatioStatistics::default();
        statistics.add_band(post.view(), pre.view());
        statistics
    }

    #[test]
    fn the_background_scale_is_found_under_stain() {
        for (scale, stained) in [(1.1, 0.0), (1.35, 0.1), (1.35, 0.3), (2.6, 0.2), (0.8, 0.1)] {
            for seed in 1..4 {
                let estimate = estimate_scale(&pair(scale, seed, true, stained)).expect("signal");
                assert!(
                    (estimate.value / scale - 1.0).abs() < 6e-3,
                    "{scale} {stained}: {estimate:?}"
                );
                assert!(
                    estimate.std_error > 0.0 && estimate.std_error < 0.02,
                    "{estimate:?}"
                );
                assert!(estimate.fit.is_some());
            }
        }
    }

    #[test]
    fn an_unchanged_background_has_the_scale_one() {
        let estimate = estimate_scale(&pair(1.0, 5, true, 0.0)).expect("signal");
        assert!((estimate.value - 1.0).abs() < 6e-3, "{estimate:?}");
        let mut statistics = RatioStatistics::default();
        let image =
            Array2::from_shape_fn((100, 100), |(y, x)| 20.0 + ((x * 7 + y * 13) % 90) as f32);
        statistics.add_band(image.view(), image.view());
        let same = estimate_scale(&statistics).expect("identical images");
        assert!((same.value - 1.0).abs() < 1e-3, "{same:?}");
    }

    #[test]
    fn hardly_any_signal_is_an_error() {
        let mut statistics = RatioStatistics::default();
        let mut image = Array2::zeros((50, 50));
        image[(3, 3)] = 5.0;
        statistics.add_band(image.view(), image.view());
        let error = estimate_scale(&statistics).expect_err("one pixel");
        assert_eq!(
            error,
            ScaleError::FewPixels {
                found: 1,
                needed: 100
            }
        );
    }
}
