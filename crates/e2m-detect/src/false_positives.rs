//! How many objects to expect by chance: those of the negated difference, which holds no microbes.
//!
//! What noise, texture and traces of the subtraction do, they do in both directions alike. Few negative objects reach the
//! threshold, so that their number is known badly there; it is then taken from the lower thresholds at which there are enough,
//! by the expected number of peaks of normal noise above a level, `t exp(-t^2 / 2)` (Adler 1981, The Geometry of Random
//! Fields; Worsley et al. 1992, doi:10.1038/jcbfm.1992.127).

use serde::{Deserialize, Serialize};

/// Negative objects are looked for from here on.
pub(crate) const LOWEST: f32 = 3.5;
const STEP: f64 = 0.25;
const LEVELS: usize = 27;
/// Objects whose number is certain enough to lead to that at the next levels.
const ENOUGH: u64 = 30;
/// Objects at a level that are believed there and then, whatever normal noise would have.
const BELIEVED: u64 = 5;

/// Negative objects above levels of significance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FalsePositives {
    /// Levels, from 3.5 in steps of 0.25.
    pub levels: Vec<f64>,
    /// Objects of the negated difference that reach each.
    pub negative: Vec<u64>,
    /// Expected false objects at the threshold of the search.
    pub expected: f64,
}

impl FalsePositives {
    pub(crate) fn of(negative_peaks: &[f32], threshold: f64) -> Self {
        let levels: Vec<f64> = (0..LEVELS)
            .map(|i| f64::from(LOWEST) + STEP * i as f64)
            .collect();
        let reach = |level: &f64| {
            negative_peaks
                .iter()
                .filter(|p| f64::from(**p) >= *level)
                .count() as u64
        };
        let negative = levels.iter().map(reach).collect();
        let mut found = Self {
            levels,
            negative,
            expected: 0.0,
        };
        found.expected = found.at(threshold);
        found
    }

    /// Expected false objects above a threshold; those at 3.5 for lower ones.
    pub fn at(&self, threshold: f64) -> f64 {
        let tail = |t: f64| t * (-0.5 * t * t).exp();
        let pairs = || {
            self.levels
                .iter()
                .copied()
                .zip(self.negative.iter().copied())
        };
        let highest_known = pairs().rfind(|(_, n)| *n >= ENOUGH);
        let lowest = pairs().next();
        let Some((level, number)) = highest_known.or(lowest) else {
            return 0.0;
        };
        let here = pairs().rfind(|(level, _)| *level <= threshold + 1e-9);
        let counted = here.map_or(0, |(_, n)| n);
        if level >= threshold {
            return counted as f64;
        }
        let by_noise = number as f64 * tail(threshold) / tail(level);
        if counted >= BELIEVED {
            by_noise.max(counted as f64)
        } else {
            by_noise
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_extrapolated_and_many_are_counted() {
        let tail = |t: f64| t * (-0.5 * t * t).exp();
        let number = |t: f64| (40_000.0 * tail(t) / tail(3.5)) as usize;
        let mut peaks = Vec::new();
        for i in 0..200 {
            let t = 3.5 + 0.02 * f64::from(i);
            let here = number(t) - number(t + 0.02);
            peaks.extend(std::iter::repeat_n(t as f32 + 0.001, here));
        }
        let found = FalsePositives::of(&peaks, 5.0);
        let truth = 40_000.0 * tail(5.0) / tail(3.5);
        assert!(
            (found.expected / truth - 1.0).abs() < 0.25,
            "{} {truth}",
            found.expected
        );
        let traces = FalsePositives::of(&[8.0; 12], 5.0);
        assert_eq!(traces.expected, 12.0);
        assert_eq!(FalsePositives::of(&[], 5.0).expected, 0.0);
    }
}
