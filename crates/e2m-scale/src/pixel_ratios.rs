//! An exact count of every pixel's ratio, on a fixed scale.
//!
//! The upper bits of a positive float are its exponent and the beginning of its mantissa: read as an integer they cut
//! each doubling into equal steps. That makes a histogram without a logarithm per pixel; what is asked for later
//! on a logarithmic axis is dealt out from those steps.

/// Bits of the mantissa that are kept: 256 steps to the doubling, 0.3 % each.
const MANTISSA_BITS: u32 = 8;
const STEPS: usize = 1 << MANTISSA_BITS;
/// Ratios from 2^-20 to 2^20; those beyond count in the first and last step.
const MAX_EXPONENT: i32 = 20;
const SHIFT: u32 = 23 - MANTISSA_BITS;
const FIRST_KEY: i32 = (127 - MAX_EXPONENT) << MANTISSA_BITS;
const KEYS: usize = 2 * MAX_EXPONENT as usize * STEPS;

/// Counters of one thread; one more than there are keys, for pixels without a ratio.
pub(crate) type KeyCounts = Vec<u32>;

pub(crate) fn key_counts() -> KeyCounts {
    vec![0; KEYS + 1]
}

/// The key of a pixel; [`KEYS`] where not both are positive.
#[inline(always)]
pub(crate) fn key(post: f32, pre: f32) -> u32 {
    let step = ((post / pre).to_bits() >> SHIFT) as i32 - FIRST_KEY;
    let clamped = step.clamp(0, KEYS as i32 - 1) as u32;
    if post > 0.0 && pre > 0.0 {
        clamped
    } else {
        KEYS as u32
    }
}

/// How many pixels have which ratio post / aligned pre, where both are positive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelRatios {
    counts: Vec<u64>,
}

impl Default for PixelRatios {
    fn default() -> Self {
        Self {
            counts: vec![0; KEYS],
        }
    }
}

impl PixelRatios {
    pub(crate) fn add(&mut self, counts: &KeyCounts) {
        for (sum, &count) in self.counts.iter_mut().zip(counts) {
            *sum += u64::from(count);
        }
    }

    /// Pixels with a ratio.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The histogram of `log10(post / aligned pre)` in `bins` equal bins from `low` to `high`: pixels per bin.
    ///
    /// The counts behind it are exact, in steps of 0.3 %; a step that straddles bins is divided between them in
    /// proportion. Pixels outside `low..high` are left out. Empty for no bins or an empty interval.
    pub fn histogram(&self, low: f64, high: f64, bins: usize) -> Vec<f64> {
        let mut out = vec![0.0; bins];
        let per_unit = bins as f64 / (high - low);
        if bins == 0 || !(per_unit.is_finite() && per_unit > 0.0) {
            return Vec::new();
        }
        for (step, &count) in self.counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let [from, to] = [step, step + 1].map(|s| (edge(s).log10() - low) * per_unit);
            let per_bin = count as f64 / (to - from);
            let (from, to) = (from.max(0.0), to.min(bins as f64));
            let mut left = from;
            while left < to {
                let bin = left.floor();
                let right = (bin + 1.0).min(to);
                out[(bin as usize).min(bins - 1)] += per_bin * (right - left);
                left = right;
            }
        }
        out
    }
}

/// The ratio at which a step begins.
fn edge(step: usize) -> f64 {
    let exponent = (step / STEPS) as i32 - MAX_EXPONENT;
    2f64.powi(exponent) * (1.0 + (step % STEPS) as f64 / STEPS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_lies_within_its_step() {
        for ratio in [1e-5f32, 0.3, 0.999, 1.0, 1.3, 2.0, 777.0] {
            let step = key(ratio, 1.0) as usize;
            assert!(edge(step) <= f64::from(ratio) && f64::from(ratio) < edge(step + 1));
        }
        assert_eq!(key(1e30, 1e-30), KEYS as u32 - 1);
        assert_eq!(key(1e-30, 1e30), 0);
        for (post, pre) in [(0.0, 1.0), (1.0, 0.0), (-1.0, -1.0), (f32::NAN, 1.0)] {
            assert_eq!(key(post, pre), KEYS as u32);
        }
    }

    #[test]
    fn a_logarithmic_histogram_keeps_every_pixel() {
        let mut ratios = PixelRatios::default();
        let mut counts = key_counts();
        for ratio in [0.5f32, 1.0, 1.3, 1.3, 1.3, 8.0] {
            counts[key(ratio, 1.0) as usize] += 1;
        }
        counts[KEYS] += 7;
        ratios.add(&counts);
        assert_eq!(ratios.total(), 6);
        let histogram = ratios.histogram(-1.0, 1.0, 50);
        assert!((histogram.iter().sum::<f64>() - 6.0).abs() < 1e-9);
        let bin = ((1.3f64.log10() + 1.0) * 25.0) as usize;
        assert!((histogram[bin] - 3.0).abs() < 1e-9);
        let narrow = ratios.histogram(0.1, 0.12, 3);
        assert!((narrow.iter().sum::<f64>() - 3.0).abs() < 1e-9);
        assert!(ratios.histogram(0.0, 0.0, 5).is_empty());
    }
}
