//! The histogram about the peak: what the profile is fitted to, and what a plot shows.

use crate::moffat::{Histogram, MoffatFit, fit_about};
use crate::peak::histogram;
use serde::{Deserialize, Serialize};

/// Bins across the full width of the peak at half height.
const BINS_PER_WIDTH: f64 = 20.0;
/// The histogram reaches this many widths to either side of the peak, and at least [`MIN_REACH`].
const REACH_WIDTHS: f64 = 10.0;
/// log10: factors of 0.7 and 1.4, enough to show stain.
const MIN_REACH: f64 = 0.15;

/// The distribution of the background's log ratios that a scale was read off.
///
/// Pixels per bin of `log10(post / aligned pre)`, taken over blocks of pixels; a faint block counts for less than its
/// pixels, and where the ratio varies over the image by uneven light, that variation is taken out. The middle bin is
/// centred on the peak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatioProfile {
    /// log10 ratio at the peak, the centre of the middle bin.
    pub mu: f64,
    /// Width of a bin, log10.
    pub bin_width: f64,
    /// Pixels per bin; an odd number of bins.
    pub counts: Vec<f64>,
}

impl RatioProfile {
    /// Counts `logs` with `weights` about their peak `mu` of full width `width`.
    pub(crate) fn new(logs: &[f64], weights: &[f64], mu: f64, width: f64) -> Self {
        let bin_width = width / BINS_PER_WIDTH;
        let reach = (REACH_WIDTHS * width).max(MIN_REACH);
        let side = (reach / bin_width).ceil();
        let half = (side + 0.5) * bin_width;
        let bins = 2 * side as usize + 1;
        Self {
            mu,
            bin_width,
            counts: histogram(logs, weights, (mu - half, mu + half), bins),
        }
    }

    /// log10 ratio at the centre of each bin.
    pub fn centres(&self) -> impl Iterator<Item = f64> + '_ {
        let middle = (self.counts.len() / 2) as f64;
        (0..self.counts.len()).map(move |i| self.mu + (i as f64 - middle) * self.bin_width)
    }

    /// `(log10 ratio, pixels)` right of the peak, mirrored from the left: what the fit puts in place of the stain.
    pub fn mirrored(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let middle = self.counts.len() / 2;
        let left = self.counts[..middle].iter().rev().enumerate();
        left.map(|(i, &count)| (self.mu + (i + 1) as f64 * self.bin_width, count))
    }

    /// The Moffat profile of the left wing and its mirror image; `None` where nothing lies left of the peak.
    pub(crate) fn fit(&self) -> Option<MoffatFit> {
        let half = self.counts.len() as f64 / 2.0 * self.bin_width;
        let histogram = Histogram {
            low: self.mu - half,
            high: self.mu + half,
            counts: &self.counts,
        };
        // Points and mirror images weigh the same, so that the fit's centre is the peak but for rounding.
        fit_about(histogram, (self.counts.len() / 2) as f64)
            .map(|fit| MoffatFit { mu: self.mu, ..fit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_bin_is_the_peak_and_the_mirror_is_the_left_wing() {
        let logs = [0.1, 0.0995, 0.098, 0.098, 0.13];
        let profile = RatioProfile::new(&logs, &[1.0, 1.0, 1.0, 2.0, 4.0], 0.1, 0.01);
        let centres: Vec<f64> = profile.centres().collect();
        let middle = centres.len() / 2;
        assert!((centres[middle] - 0.1).abs() < 1e-12);
        assert_eq!(centres.len(), profile.counts.len());
        assert!(centres[0] <= 0.1 - MIN_REACH);
        let mirrored: Vec<_> = profile.mirrored().collect();
        assert_eq!(mirrored.len(), middle);
        assert!((mirrored[3].0 - 0.102).abs() < 1e-12 && mirrored[3].1 == 3.0);
        assert_eq!(profile.counts.iter().sum::<f64>(), 9.0);
    }

    #[test]
    fn the_mirrored_profile_is_centred_on_the_peak() {
        // A skewed distribution: what lies on the right of its peak must not draw the fit there.
        let logs: Vec<f64> = (0..4000)
            .map(|i| {
                let t = (f64::from(i) + 0.5) / 2000.0 - 1.0;
                0.1 + if t > 0.0 { 0.03 } else { 0.01 } * t * t * t
            })
            .collect();
        let profile = RatioProfile::new(&logs, &vec![1.0; logs.len()], 0.1, 0.01);
        let half = profile.counts.len() as f64 / 2.0 * profile.bin_width;
        let histogram = Histogram {
            low: 0.1 - half,
            high: 0.1 + half,
            counts: &profile.counts,
        };
        let free = fit_about(histogram, (profile.counts.len() / 2) as f64).expect("a fit");
        assert!((free.mu - 0.1).abs() < 1e-6, "{free:?}");
        assert_eq!(
            profile.fit().map(|f| (f.mu, f.alpha)),
            Some((0.1, free.alpha))
        );
    }
}
