//! The variance of the difference, measured on the pair itself.
//!
//! Over background, the variance of `post - scale x pre` grows with its brightness by the shot noise of both images (photon
//! transfer: Janesick 2007, doi:10.1117/3.725073), with the squared gradient by what the alignment is off, and with the squared
//! curvature by what interpolation rounds off. Pixels are sorted into groups of like brightness, gradient and curvature. In each, the
//! scatter is taken without outliers, and the terms are fitted to the groups.

use crate::normal::clipped;
use serde::{Deserialize, Serialize};

/// One background pixel of the sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoiseSample {
    /// Brightness of the smoothed background, counts of post.
    pub(crate) background: f32,
    /// Its squared gradient, counts^2 per px^2.
    pub(crate) gradient: f32,
    /// Its squared curvature, the sum of both second differences, counts^2.
    pub(crate) curvature: f32,
    /// The difference without its local fit, counts.
    pub(crate) rest: f32,
    /// Whether post is 0 here, where noise may be cut off.
    pub(crate) is_cut_off: bool,
}

/// `variance = dark + per_count x background + per_gradient x gradient^2 + per_curvature x curvature^2 + (scale_error x background)^2`,
/// counts^2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NoiseModel {
    /// Variance where there is no light, counts^2.
    pub dark: f64,
    /// Variance per count of background: the shot noise of both images.
    pub per_count: f64,
    /// Variance per squared gradient, px^2: half the mean squared error of the alignment.
    pub per_gradient: f64,
    /// Variance per squared curvature: what interpolation and unlike focus round off at edges and corners.
    pub per_curvature: f64,
    /// Standard error of the scale, relative.
    pub scale_error: f64,
    /// Variance per count that post has for itself: what microbes add to the noise.
    pub per_count_of_post: f64,
}

/// Groups by brightness, in each by gradient, and in these by curvature, of which most pixels have none and a few corners much: from
/// which share of the pixels on each begins.
const BY_BRIGHTNESS: usize = 12;
const BY_GRADIENT: usize = 6;
const BY_CURVATURE: [f64; 4] = [0.0, 0.5, 0.8, 0.95];
/// Pixels that a group needs to have a scatter.
const MIN_GROUP: usize = 60;
/// What resampling leaves of the variance of pre on the average over all subpixel positions: (2/3)^2.
const RESAMPLED: f64 = 4.0 / 9.0;
/// The least variance, counts^2: so that images without noise have a significance as well.
const LEAST: f64 = 1e-6;
/// Terms that are fitted.
const TERMS: usize = 4;
/// Rounds of their fit, which takes some tens.
const ROUNDS: usize = 3000;

/// A group's mean of the terms, its variance and its weight.
type Group = ([f64; TERMS], f64, f64);

impl NoiseModel {
    /// Fits the terms. `residual_px` is what the alignment says it is off by, of which less is not believed.
    pub(crate) fn fit(
        samples: &mut [NoiseSample],
        scale: f64,
        scale_error: f64,
        residual_px: f64,
    ) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        samples.sort_unstable_by(|a, b| a.background.total_cmp(&b.background));
        let part = samples.len().div_ceil(BY_BRIGHTNESS).max(1);
        for of_brightness in samples.chunks_mut(part) {
            of_brightness.sort_unstable_by(|a, b| a.gradient.total_cmp(&b.gradient));
            let part = of_brightness.len().div_ceil(BY_GRADIENT).max(1);
            for of_gradient in of_brightness.chunks_mut(part) {
                of_gradient.sort_unstable_by(|a, b| a.curvature.total_cmp(&b.curvature));
                let number = of_gradient.len();
                let first = |k: usize| {
                    let share = BY_CURVATURE.get(k).copied().unwrap_or(1.0);
                    (share * number as f64) as usize
                };
                let parts = (0..BY_CURVATURE.len()).map(|k| &of_gradient[first(k)..first(k + 1)]);
                groups.extend(parts.filter(|g| g.len() >= MIN_GROUP).map(summed));
            }
        }
        let [dark, per_count, per_gradient, per_curvature] = not_negative(&groups);
        let stated = 0.5 * residual_px * residual_px;
        Self {
            dark: dark.max(LEAST),
            per_count,
            per_gradient: per_gradient.max(stated),
            per_curvature,
            scale_error: scale_error / scale.abs().max(1e-9),
            per_count_of_post: per_count / (1.0 + scale.abs() * RESAMPLED),
        }
    }

    /// The variance of a pixel, counts^2.
    pub fn variance(&self, background: f32, squared_gradient: f32, squared_curvature: f32) -> f32 {
        let b = background.max(0.0);
        let scale = self.scale_error as f32 * b;
        self.dark as f32
            + self.per_count as f32 * b
            + self.per_gradient as f32 * squared_gradient
            + self.per_curvature as f32 * squared_curvature
            + scale * scale
    }
}

fn summed(group: &[NoiseSample]) -> Group {
    let n = group.len() as f64;
    let mean =
        |of: fn(&NoiseSample) -> f32| group.iter().map(|s| f64::from(of(s))).sum::<f64>() / n;
    let mut rest: Vec<f32> = group.iter().map(|s| s.rest).collect();
    let variance = clipped(&mut rest).1.powi(2).max(LEAST);
    let terms = [
        1.0,
        mean(|s| s.background).max(0.0),
        mean(|s| s.gradient),
        mean(|s| s.curvature),
    ];
    (terms, variance, n / (variance * variance))
}

/// Weighted least squares with coefficients of at least 0, by descent along each in turn.
fn not_negative(groups: &[Group]) -> [f64; TERMS] {
    let mut normal = [[0.0; TERMS]; TERMS];
    let mut right = [0.0; TERMS];
    for (terms, variance, weight) in groups {
        for i in 0..TERMS {
            for j in 0..TERMS {
                normal[i][j] += weight * terms[i] * terms[j];
            }
            right[i] += weight * terms[i] * variance;
        }
    }
    let mut found = [0.0f64; TERMS];
    for _ in 0..ROUNDS {
        for i in 0..TERMS {
            if normal[i][i] > 0.0 {
                let others = (0..TERMS).filter(|&j| j != i);
                let others: f64 = others.map(|j| normal[i][j] * found[j]).sum();
                found[i] = ((right[i] - others) / normal[i][i]).max(0.0);
            }
        }
    }
    found
}

/// A row smoothed by (1 2 1)/4 in both directions, from the rows above, at and below.
pub(crate) fn smooth_row(above: &[f32], at: &[f32], below: &[f32], smooth: &mut [f32]) {
    let n = at.len();
    let vertical = |x: usize| above[x] + 2.0 * at[x] + below[x];
    for (x, out) in smooth.iter_mut().enumerate().take(n) {
        let (left, right) = (x.saturating_sub(1), (x + 1).min(n - 1));
        *out = (vertical(left) + 2.0 * vertical(x) + vertical(right)) / 16.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_are_found() {
        let mut state = 1u64;
        let mut unit = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        let mut samples: Vec<NoiseSample> = (0..200_000)
            .map(|i| {
                let background = 20.0 + 140.0 * unit();
                let gradient = 30.0 * unit() * unit();
                let curvature = 200.0 * unit().powi(6);
                let variance = 2.0 + 0.1 * background + 0.02 * gradient + 0.05 * curvature;
                let normal = (0..12).map(|_| unit()).sum::<f32>() - 6.0;
                let microbe = if i % 30 == 0 { 80.0 } else { 0.0 };
                NoiseSample {
                    background,
                    gradient,
                    curvature,
                    rest: normal * variance.sqrt() + microbe,
                    is_cut_off: false,
                }
            })
            .collect();
        let model = NoiseModel::fit(&mut samples, 1.4, 0.0, 0.0);
        for (background, gradient, curvature) in [
            (30.0f32, 1.0f32, 0.0f32),
            (90.0, 5.0, 20.0),
            (150.0, 20.0, 100.0),
        ] {
            let truth = 2.0 + 0.1 * background + 0.02 * gradient + 0.05 * curvature;
            let found = model.variance(background, gradient, curvature);
            assert!((found / truth - 1.0).abs() < 0.04, "{found} {truth}");
        }
    }
}
