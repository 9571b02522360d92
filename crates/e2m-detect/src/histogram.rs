//! How the significance is distributed over the section.

use serde::{Deserialize, Serialize};

/// Pixels of the section by their significance, in steps of 0.1 from -12 to 12; what lies beyond is in the steps at the ends.
///
/// Where there is no microbe the distribution is a normal one of mean 0 and standard deviation 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignificanceHistogram {
    /// Pixels without objects, by step.
    pub background: Vec<u64>,
    /// All pixels, by step.
    pub all: Vec<u64>,
}

impl SignificanceHistogram {
    /// Where the first step begins.
    pub const LOW: f64 = -12.0;
    /// The width of a step.
    pub const STEP: f64 = 0.1;
    /// How many there are.
    pub const STEPS: usize = 240;

    pub(crate) fn count(&mut self, significance: f32, is_background: bool) {
        let step = (f64::from(significance) - Self::LOW) / Self::STEP;
        let step = (step.max(0.0) as usize).min(Self::STEPS - 1);
        self.all[step] += 1;
        self.background[step] += u64::from(is_background);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, more) in [
            (&mut self.background, &other.background),
            (&mut self.all, &other.all),
        ] {
            mine.iter_mut()
                .zip(more)
                .for_each(|(mine, more)| *mine += more);
        }
    }
}

impl Default for SignificanceHistogram {
    fn default() -> Self {
        Self {
            background: vec![0; Self::STEPS],
            all: vec![0; Self::STEPS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_in_one_step() {
        let mut histogram = SignificanceHistogram::default();
        for (value, step) in [(0.05, 120), (-0.05, 119), (-40.0, 0), (40.0, 239)] {
            let before = histogram.all[step];
            histogram.count(value, value > 0.0);
            assert_eq!(histogram.all[step], before + 1, "{value}");
        }
        let one = histogram.clone();
        histogram.add(&one);
        assert_eq!(histogram.all.iter().sum::<u64>(), 8);
        assert_eq!(histogram.background.iter().sum::<u64>(), 4);
    }
}
