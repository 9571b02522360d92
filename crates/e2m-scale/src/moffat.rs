//! The Moffat profile of the peak of log ratios.
//!
//! Moffat, A. F. J. (1969), A&A 3, 455: `amp (1 + ((x - mu) / alpha)^2)^-beta`, a bell with wings heavier than a
//! Gaussian's. The right wing of the peak holds the stain; the left one is background only, and is mirrored.

use crate::peak::{highest, smooth};
use nalgebra::{Matrix4, Vector4};
use serde::{Deserialize, Serialize};

/// Bounds of the exponent: 1 is a Lorentzian, at 20 the profile is a Gaussian for all purposes.
const BETA_BOUNDS: (f64, f64) = (1.0, 20.0);
/// Half-width, in log10, of what is left out around a ratio of 1: pixels that staining did not change at all, such
/// as saturated ones, pile up there and are no background.
const UNCHANGED_HALF_WIDTH: f64 = 0.002;
/// The peak is looked for in a histogram smoothed by this many bins.
const PEAK_SMOOTHING_BINS: f64 = 1.0;
/// Rounds of the fit at most.
const MAX_ROUNDS: usize = 200;
/// A step that improves the sum of squares by a smaller share ends the fit.
const CONVERGED: f64 = 1e-12;

/// A histogram of log10 ratios with bins of equal width.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<'a> {
    /// Left edge of the first bin.
    pub low: f64,
    /// Right edge of the last bin.
    pub high: f64,
    /// Pixels per bin.
    pub counts: &'a [f64],
}

impl Histogram<'_> {
    fn centre(&self, bin: f64) -> f64 {
        self.low + (bin + 0.5) * self.bin_width()
    }

    fn bin_width(&self) -> f64 {
        (self.high - self.low) / self.counts.len().max(1) as f64
    }
}

/// A fitted profile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MoffatFit {
    /// Height of the peak, pixels per bin.
    pub amp: f64,
    /// Position of the peak, log10 of the ratio.
    pub mu: f64,
    /// Width, log10.
    pub alpha: f64,
    /// Exponent, 1 to 20.
    pub beta: f64,
    /// Root mean square distance of the mirrored histogram from the profile, as a share of `amp`.
    pub rms_residual: f64,
}

impl MoffatFit {
    /// The profile at log ratio `x`, pixels per bin.
    pub fn at(&self, x: f64) -> f64 {
        let t = (x - self.mu) / self.alpha;
        self.amp * (1.0 + t * t).powf(-self.beta)
    }

    /// The scale `10^mu`.
    pub fn scale(&self) -> f64 {
        10f64.powf(self.mu)
    }
}

/// Fits a Moffat profile to the left wing of the highest peak of `histogram`, mirrored across it.
///
/// `None` for an empty histogram or where nothing lies left of the peak.
pub fn fit_moffat(histogram: Histogram<'_>) -> Option<MoffatFit> {
    let unchanged = |i: usize| {
        histogram.centre(i as f64).abs() < UNCHANGED_HALF_WIDTH.max(histogram.bin_width() / 2.0)
    };
    let counts: Vec<f64> = bridged(histogram.counts, unchanged);
    let top = highest_bin(&smooth(&counts, PEAK_SMOOTHING_BINS))?;
    fit_about(
        Histogram {
            counts: &counts,
            ..histogram
        },
        top,
    )
}

/// `counts` with the bins for which `left_out` holds replaced by the straight line between their neighbours.
pub(crate) fn bridged(counts: &[f64], left_out: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut out = counts.to_vec();
    let mut i = 0;
    while i < out.len() {
        let end = (i..out.len()).find(|&j| !left_out(j)).unwrap_or(out.len());
        if end > i {
            let before = i.checked_sub(1).map_or(0.0, |j| counts[j]);
            let after = counts.get(end).copied().unwrap_or(0.0);
            let gap = (end - i + 1) as f64;
            for (k, value) in out[i..end].iter_mut().enumerate() {
                *value = before + (after - before) * (k + 1) as f64 / gap;
            }
        }
        i = end + 1;
    }
    out
}

fn highest_bin(values: &[f64]) -> Option<f64> {
    highest(values)
        .filter(|_| values.iter().any(|v| *v > 0.0))
        .map(f64::round)
}

/// Fits the profile to the bins left of `top` (in bins, may lie between two) and their mirror images.
pub(crate) fn fit_about(histogram: Histogram<'_>, top: f64) -> Option<MoffatFit> {
    let mu = histogram.centre(top);
    let left: Vec<(f64, f64)> = (0..=top.floor() as usize)
        .filter(|&i| i < histogram.counts.len())
        .map(|i| (histogram.centre(i as f64), histogram.counts[i]))
        .collect();
    let mirrored = left
        .iter()
        .rev()
        .map(|&(x, y)| (2.0 * mu - x, y))
        .filter(|p| p.0 > mu);
    let points: Vec<(f64, f64)> = left.iter().copied().chain(mirrored).collect();
    // Ratios of whole counts come in a comb: a single bin may be empty even at the top.
    let height = left.iter().map(|p| p.1).fold(0.0, f64::max);
    if points.len() < 5 || height <= 0.0 {
        return None;
    }
    let half = left.iter().rev().find(|p| p.1 < height / 2.0)?;
    let start = MoffatFit {
        amp: height,
        mu,
        alpha: (mu - half.0).max(histogram.bin_width()),
        beta: 2.0,
        rms_residual: 0.0,
    };
    Some(least_squares(&points, start, histogram.bin_width()))
}

/// Levenberg-Marquardt within bounds: steps that would leave them are cut at the bound.
fn least_squares(points: &[(f64, f64)], start: MoffatFit, bin_width: f64) -> MoffatFit {
    let cost = |fit: &MoffatFit| {
        points
            .iter()
            .map(|p| (p.1 - fit.at(p.0)).powi(2))
            .sum::<f64>()
    };
    let (mut fit, mut best, mut damping) = (start, cost(&start), 1e-3);
    for _ in 0..MAX_ROUNDS {
        let (normal, rhs) = normal_equations(points, &fit);
        let scaled = normal
            + Matrix4::from_diagonal(&(normal.diagonal() * damping + Vector4::repeat(1e-12)));
        let Some(step) = scaled.lu().solve(&rhs) else {
            break;
        };
        let next = bounded(&fit, &step, bin_width);
        let now = cost(&next);
        if now < best {
            let improved = (best - now) / best;
            (fit, best, damping) = (next, now, (damping * 0.3).max(1e-9));
            if improved < CONVERGED {
                break;
            }
        } else {
            damping *= 5.0;
            if damping > 1e9 {
                break;
            }
        }
    }
    fit.rms_residual = (best / points.len() as f64).sqrt() / fit.amp.max(f64::MIN_POSITIVE);
    fit
}

/// Gauss-Newton equations for `(ln amp, mu / width, ln alpha, ln beta)`: logarithms keep all of them positive.
fn normal_equations(points: &[(f64, f64)], fit: &MoffatFit) -> (Matrix4<f64>, Vector4<f64>) {
    let (mut normal, mut rhs) = (Matrix4::zeros(), Vector4::zeros());
    for &(x, y) in points {
        let t = (x - fit.mu) / fit.alpha;
        let base = 1.0 + t * t;
        let value = fit.amp * base.powf(-fit.beta);
        let slope = value * 2.0 * fit.beta * t / base;
        let row = Vector4::new(value, slope, slope * t, -value * fit.beta * base.ln());
        normal += row * row.transpose();
        rhs += row * (y - value);
    }
    (normal, rhs)
}

fn bounded(fit: &MoffatFit, step: &Vector4<f64>, bin_width: f64) -> MoffatFit {
    let factor = |s: f64| s.clamp(-1.0, 1.0).exp();
    MoffatFit {
        amp: fit.amp * factor(step[0]),
        mu: fit.mu + fit.alpha * step[1].clamp(-0.5, 0.5),
        alpha: (fit.alpha * factor(step[2])).max(bin_width / 10.0),
        beta: (fit.beta * factor(step[3])).clamp(BETA_BOUNDS.0, BETA_BOUNDS.1),
        rms_residual: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(truth: &MoffatFit, bins: usize) -> Vec<f64> {
        (0..bins)
            .map(|i| truth.at(-1.0 + (i as f64 + 0.5) * 2.0 / bins as f64))
            .collect()
    }

    #[test]
    fn a_moffat_profile_is_recovered_whatever_is_added_on_its_right() {
        // The peak lies at a bin centre; stain adds a second hump on the right.
        let truth = MoffatFit {
            amp: 5e4,
            mu: 0.1525,
            alpha: 0.04,
            beta: 2.5,
            rms_residual: 0.0,
        };
        let mut counts = profile(&truth, 400);
        for (i, count) in counts.iter_mut().enumerate() {
            let x = -1.0 + (i as f64 + 0.5) / 200.0;
            *count += 4e3 * (-(x - 0.35f64).powi(2) / 0.005).exp();
        }
        let fit = fit_moffat(Histogram {
            low: -1.0,
            high: 1.0,
            counts: &counts,
        })
        .expect("a peak");
        assert!((fit.scale() / truth.scale() - 1.0).abs() < 2e-3, "{fit:?}");
        assert!(
            (fit.alpha / truth.alpha - 1.0).abs() < 0.05
                && (fit.beta / truth.beta - 1.0).abs() < 0.08,
            "{fit:?}"
        );
        assert!(fit.rms_residual < 0.01);
    }

    #[test]
    fn a_pile_at_ratio_one_is_not_the_background() {
        let truth = MoffatFit {
            amp: 1e4,
            mu: 0.2025,
            alpha: 0.05,
            beta: 3.0,
            rms_residual: 0.0,
        };
        let mut counts = profile(&truth, 401);
        counts[200] += 1e6; // the middle bin holds ratio 1
        let fit = fit_moffat(Histogram {
            low: -1.0,
            high: 1.0,
            counts: &counts,
        })
        .expect("a peak");
        assert!((fit.mu - truth.mu).abs() < 0.004, "{fit:?}");
    }

    #[test]
    fn nothing_to_fit_is_none() {
        assert_eq!(
            fit_moffat(Histogram {
                low: -1.0,
                high: 1.0,
                counts: &[0.0; 50]
            }),
            None
        );
        assert_eq!(
            fit_moffat(Histogram {
                low: -1.0,
                high: 1.0,
                counts: &[]
            }),
            None
        );
        let mut first_bin_only = [0.0; 50];
        first_bin_only[0] = 7.0;
        assert_eq!(
            fit_moffat(Histogram {
                low: -1.0,
                high: 1.0,
                counts: &first_bin_only
            }),
            None
        );
    }

    #[test]
    fn bridging_draws_a_line_across_the_gap() {
        assert_eq!(
            bridged(&[1.0, 9.0, 9.0, 4.0], |i| i == 1 || i == 2),
            vec![1.0, 2.0, 3.0, 4.0]
        );
        assert_eq!(bridged(&[9.0, 4.0], |i| i == 0), vec![2.0, 4.0]);
    }
}
