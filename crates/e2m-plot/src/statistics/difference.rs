//! The histogram of post - pre, in three classes.

use super::brightness::add;
use super::levels::{LEVELS, Levels};

/// Bins per class: differences from -65,536 to 65,535 levels.
pub(crate) const DIFFERENCES: usize = 2 * LEVELS;
/// The place of no difference.
pub(crate) const ZERO_DIFFERENCE: usize = LEVELS;
/// Both positive, post only, neither or pre only.
pub(crate) const CLASSES: usize = 3;

/// A class of pixels in a [`DifferenceHistogram`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceClass {
    /// Every pixel that both frames cover.
    All,
    /// Pixels with signal in both images.
    BothPositive,
    /// Pixels with signal in post and none in pre.
    PostOnly,
}

/// How many pixels have each difference `post - aligned pre`, in levels.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceHistogram {
    levels: Levels,
    /// Flat: class, difference + 65,536.
    counts: Vec<u64>,
}

impl DifferenceHistogram {
    pub(crate) fn new(levels: Levels) -> Self {
        Self {
            levels,
            counts: vec![0; CLASSES * DIFFERENCES],
        }
    }

    pub(crate) fn add_counts(&mut self, counts: impl Iterator<Item = u64>) {
        for (sum, more) in self.counts.iter_mut().zip(counts) {
            *sum += more;
        }
    }

    /// Adds the counts of another histogram of the same levels.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.counts, &other.counts);
    }

    /// Counts per level.
    pub fn step(&self) -> f64 {
        self.levels.step()
    }

    /// Pixels per difference of -65,536 to 65,535 levels, in order.
    pub fn counts(&self, class: DifferenceClass) -> Vec<u64> {
        let part = |i: usize| &self.counts[i * DIFFERENCES..(i + 1) * DIFFERENCES];
        match class {
            DifferenceClass::BothPositive => part(0).to_vec(),
            DifferenceClass::PostOnly => part(1).to_vec(),
            DifferenceClass::All => {
                let mut all = part(0).to_vec();
                add(&mut all, part(1));
                add(&mut all, part(2));
                all
            }
        }
    }

    /// The difference in counts at place `index` of [`DifferenceHistogram::counts`].
    pub fn value(&self, index: f64) -> f64 {
        (index - ZERO_DIFFERENCE as f64) * self.step()
    }
}
