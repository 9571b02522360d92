//! The standard error of the peak.
//!
//! Pixels of one grain err together, so that their number says little. Each region of an 8 x 8 grid is taken as one
//! observation instead (a cluster-robust variance: Liang & Zeger 1986, Biometrika 73, 13), through the influence of each
//! block on the peak of the smoothed histogram: with kernel `K = exp(-q^2 / 2 h^2)` at distance `q`,
//! `w K q / sum(w K (1 - q^2 / h^2))`. What is common to all regions does not show there; how far the peak moves with other
//! weights and another smoothing tells its size.

use crate::estimate::SMOOTHING_SHARE;
use crate::field::Samples;
use crate::peak::{Peak, peak};

/// Regions per axis.
pub(crate) const REGIONS: usize = 8;
/// The other smoothing, as a share of the peak's width: it lets a lopsided peak move.
const WIDE_SMOOTHING_SHARE: f64 = 0.5;
/// Part of such a move that counts as an error, and of the difference between bright and faint blocks.
const LOPSIDED_SHARE: f64 = 1.0;
const TREND_SHARE: f64 = 0.5;
/// Part of the scatter of an uneven field that a quadratic surface may miss in the median.
const FIELD_SHARE: f64 = 0.04;
/// Widths of the peak within which another background pulls it.
const PULL_REACH: f64 = 3.0;
/// What interpolation and microbes too faint to tell move the peak by at least.
const FLOOR: f64 = 1.5e-4;

/// The standard error as a share of the scale, of the peak `top` of `rest`. `trend` as a share, `field_scatter` in log10.
pub(crate) fn relative(
    samples: &Samples,
    rest: &[f64],
    top: &Peak,
    trend: f64,
    field_scatter: f64,
) -> f64 {
    let wide = peak(rest, &samples.weights, WIDE_SMOOTHING_SHARE);
    let lopsided = wide.map_or(0.0, |wide| wide.at - top.at);
    let in_log10 = [
        between_regions(&samples.places, &samples.weights, rest, top),
        LOPSIDED_SHARE * lopsided,
        FIELD_SHARE * field_scatter,
        pull(rest, &samples.weights, top),
    ];
    let in_shares = [TREND_SHARE * trend, FLOOR];
    in_log10
        .map(|log| log * std::f64::consts::LN_10)
        .into_iter()
        .chain(in_shares)
        .map(|part| part * part)
        .sum::<f64>()
        .sqrt()
}

/// How far another background close by may pull the peak, log10: its share beside that of the peak's own blocks, times the width of
/// the peak. What lies beyond [`PULL_REACH`] widths forms a peak of its own or none, and pulls no more. It is up to 0.6 % with
/// noise, defocus, uneven light and uptake together, and from 1.2 % on where two backgrounds blur into one peak by noise.
fn pull(rest: &[f64], weights: &[f64], top: &Peak) -> f64 {
    let (mut own, mut excess) = (0.0, 0.0);
    for (value, weight) in rest.iter().zip(weights) {
        let widths = (value - top.at) / top.width;
        if widths.abs() <= 1.0 {
            own += weight;
        } else if widths.abs() <= PULL_REACH {
            excess += weight * widths.signum();
        }
    }
    if own > 0.0 {
        (excess / own).abs() * top.width
    } else {
        top.width
    }
}

/// The part that differs between regions, log10.
pub(crate) fn between_regions(
    places: &[[f64; 2]],
    weights: &[f64],
    rest: &[f64],
    top: &Peak,
) -> f64 {
    let h = SMOOTHING_SHARE * top.width;
    let regions = regions(places);
    let mut sums = [0.0; REGIONS * REGIONS];
    let mut curvature = 0.0;
    for ((value, weight), region) in rest.iter().zip(weights).zip(regions) {
        let q = value - top.at;
        let near = weight * (-(q / h).powi(2) / 2.0).exp();
        sums[region] += near * q;
        curvature += near * (1.0 - (q / h).powi(2));
    }
    let scatter = sums.iter().map(|s| s * s).sum::<f64>().sqrt();
    if curvature > 0.0 {
        // Never more than the peak is wide, however few blocks make it up.
        (scatter / curvature).min(top.width)
    } else {
        top.width
    }
}

/// The region of each place, on a grid over all of them.
pub(crate) fn regions(places: &[[f64; 2]]) -> Vec<usize> {
    let bounds = [0, 1].map(|axis| {
        let values = places.iter().map(|p| p[axis]);
        values.fold((f64::MAX, f64::MIN), |(low, high), v| {
            (low.min(v), high.max(v))
        })
    });
    let index = |value: f64, (low, high): (f64, f64)| {
        let share = (value - low) / (high - low);
        ((share * REGIONS as f64) as usize).min(REGIONS - 1) // a single row has no share: region 0
    };
    places
        .iter()
        .map(|p| index(p[1], bounds[1]) * REGIONS + index(p[0], bounds[0]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid of 64 x 64 samples with the given values.
    fn samples(value: impl Fn(usize, usize) -> f64) -> Samples {
        let at = |i: usize| (i % 64, i / 64);
        Samples {
            logs: (0..4096).map(|i| value(at(i).0, at(i).1)).collect(),
            weights: vec![1.0; 4096],
            places: (0..4096)
                .map(|i| [at(i).0 as f64, at(i).1 as f64])
                .collect(),
        }
    }

    #[test]
    fn what_varies_from_region_to_region_counts_more_than_what_varies_within() {
        let fine = samples(|x, y| 0.01 * ((x * 7 + y * 13) % 16) as f64 / 16.0);
        let coarse = samples(|x, y| 0.01 * ((x / 8 * 7 + y / 8 * 13) % 16) as f64 / 16.0);
        let error = |samples: &Samples| {
            let top = Peak {
                at: 0.004_7,
                width: 0.01,
            };
            relative(samples, &samples.logs, &top, 0.0, 0.0)
        };
        assert!(
            error(&coarse) > 3.0 * error(&fine),
            "{} {}",
            error(&coarse),
            error(&fine)
        );
        assert!(error(&fine) >= FLOOR);
    }
}
