//! An exact percentile of the ratios in two passes, with memory for 65,536 counters.
//!
//! The bits of a positive float, read as an integer, order like the float. The first pass counts the upper sixteen
//! bits, which tells in which of 65,536 intervals the wanted ranks lie; the second counts the lower sixteen bits
//! within those intervals, which gives the values themselves.

use crate::error::ScaleError;
use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

const INTERVALS: usize = 1 << 16;

/// The start: which percentile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PercentilePasses {
    percent: f64,
}

impl PercentilePasses {
    /// For the `percent`-th percentile, 0 to 100.
    pub fn new(percent: f64) -> Result<Self, ScaleError> {
        if (0.0..=100.0).contains(&percent) {
            Ok(Self { percent })
        } else {
            Err(ScaleError::Percentile(percent))
        }
    }

    /// The first pass.
    pub fn first(self) -> CoarseRanks {
        CoarseRanks {
            percent: self.percent,
            counts: vec![0; INTERVALS],
        }
    }
}

/// The first pass over the bands.
#[derive(Debug, Clone)]
pub struct CoarseRanks {
    percent: f64,
    counts: Vec<u64>,
}

impl CoarseRanks {
    /// Counts the ratios of a band of post and aligned pre where both are positive.
    pub fn add_band(&mut self, post: ArrayView2<'_, f32>, aligned: ArrayView2<'_, f32>) {
        let counts = count(post, aligned, |bits| Some((bits >> 16) as usize), INTERVALS);
        self.counts
            .iter_mut()
            .zip(&counts)
            .for_each(|(sum, new)| *sum += u64::from(*new));
    }

    /// What the second pass has to look for; `None` where no pixel is positive in both images.
    pub fn second(self) -> Option<FineRanks> {
        let total: u64 = self.counts.iter().sum();
        // numpy's linear interpolation: rank (n - 1) p / 100 between two order statistics.
        let rank = total.checked_sub(1)? as f64 * self.percent / 100.0;
        let (lower, fraction) = (rank.floor() as u64, rank.fract());
        let upper = if fraction > 0.0 { lower + 1 } else { lower };
        let [lower, upper] = [lower, upper].map(|rank| interval_of(&self.counts, rank));
        Some(FineRanks {
            lower,
            upper,
            fraction,
            counts: vec![0; 2 * INTERVALS],
        })
    }
}

/// The interval that holds the `rank`-th value, and its rank within.
fn interval_of(counts: &[u64], mut rank: u64) -> (usize, u64) {
    for (i, &count) in counts.iter().enumerate() {
        if rank < count {
            return (i, rank);
        }
        rank -= count;
    }
    (counts.len() - 1, 0)
}

/// The second pass over the same bands.
#[derive(Debug, Clone)]
pub struct FineRanks {
    lower: (usize, u64),
    upper: (usize, u64),
    fraction: f64,
    /// Counters of the lower interval, then of the upper one.
    counts: Vec<u64>,
}

impl FineRanks {
    /// Counts the ratios of a band; the same bands as in the first pass.
    pub fn add_band(&mut self, post: ArrayView2<'_, f32>, aligned: ArrayView2<'_, f32>) {
        let (lower, upper) = (self.lower.0, self.upper.0);
        let place = |bits: u32| {
            let (interval, rest) = ((bits >> 16) as usize, (bits & 0xFFFF) as usize);
            if interval == lower {
                Some(rest)
            } else {
                (interval == upper).then_some(INTERVALS + rest)
            }
        };
        let counts = count(post, aligned, place, 2 * INTERVALS);
        self.counts
            .iter_mut()
            .zip(&counts)
            .for_each(|(sum, new)| *sum += u64::from(*new));
    }

    /// The percentile.
    pub fn value(&self) -> f64 {
        let (low, high) = self.counts.split_at(INTERVALS);
        let upper_counts = if self.upper.0 == self.lower.0 {
            low
        } else {
            high
        };
        let value = |(interval, rank): (usize, u64), counts: &[u64]| {
            let (rest, _) = interval_of(counts, rank);
            f64::from(f32::from_bits(((interval << 16) | rest) as u32))
        };
        let (a, b) = (value(self.lower, low), value(self.upper, upper_counts));
        a + (b - a) * self.fraction
    }
}

/// Counts `place(bits of post / aligned)` over the pixels where both are positive.
fn count(
    post: ArrayView2<'_, f32>,
    aligned: ArrayView2<'_, f32>,
    place: impl Fn(u32) -> Option<usize> + Sync,
    places: usize,
) -> Vec<u32> {
    let rows = post
        .axis_chunks_iter(Axis(0), 256)
        .into_par_iter()
        .zip(aligned.axis_chunks_iter(Axis(0), 256));
    let counted = rows.map(|(post, aligned)| {
        let mut counts = vec![0u32; places];
        for (&post, &pre) in post.iter().zip(&aligned) {
            if post > 0.0
                && pre > 0.0
                && let Some(place) = place((post / pre).to_bits())
            {
                counts[place] += 1;
            }
        }
        counts
    });
    counted.reduce(
        || vec![0; places],
        |mut a, b| {
            a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
            a
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    fn percentile(post: &Array2<f32>, pre: &Array2<f32>, percent: f64) -> Option<f64> {
        let mut first = PercentilePasses::new(percent)
            .expect("a percentage")
            .first();
        first.add_band(post.view(), pre.view());
        let mut second = first.second()?;
        second.add_band(post.view(), pre.view());
        Some(second.value())
    }

    /// numpy.percentile with linear interpolation, by sorting.
    fn reference(post: &Array2<f32>, pre: &Array2<f32>, percent: f64) -> f64 {
        let mut ratios: Vec<f32> = post
            .iter()
            .zip(pre)
            .filter(|(a, b)| **a > 0.0 && **b > 0.0)
            .map(|(a, b)| a / b)
            .collect();
        ratios.sort_by(f32::total_cmp);
        let rank = (ratios.len() - 1) as f64 * percent / 100.0;
        let (low, high) = (ratios[rank.floor() as usize], ratios[rank.ceil() as usize]);
        f64::from(low) + (f64::from(high) - f64::from(low)) * rank.fract()
    }

    proptest! {
        #[test]
        fn equals_sorting(values in prop::collection::vec((0u16..300, 0u16..300), 1..400), percent in 0.0..100.0) {
            let post = Array2::from_shape_fn((1, values.len()), |(_, i)| f32::from(values[i].0));
            let pre = Array2::from_shape_fn((1, values.len()), |(_, i)| f32::from(values[i].1));
            match percentile(&post, &pre, percent) {
                Some(found) => {
                    let expected = reference(&post, &pre, percent);
                    prop_assert!((found - expected).abs() <= 1e-6 * expected);
                }
                None => prop_assert!(values.iter().all(|(a, b)| *a == 0 || *b == 0)),
            }
        }
    }

    #[test]
    fn equals_numpy_on_whole_counts() {
        // numpy.percentile(post[ok] / pre[ok], p) in double precision of float32 ratios, numpy 2.4.
        let expected = [
            (0.0, 0.005_988_024_175_167_084),
            (1.0, 0.028_235_450_387_001_038),
            (30.0, 0.637_426_912_784_576_4),
            (50.0, 1.052_356_004_714_965_8),
            (70.0, 1.752_688_169_479_370_1),
            (99.1, 50.449_999_999_999_82),
            (99.9, 153.450_000_000_009_82),
            (100.0, 242.0),
        ];
        let post = Array2::from_shape_fn((60, 100), |(y, x)| {
            let i = 100 * y + x;
            ((37 * i + i / 7) % 251) as f32
        });
        let pre = Array2::from_shape_fn((60, 100), |(y, x)| {
            let i = 100 * y + x;
            ((91 * i + i / 11) % 239) as f32
        });
        for (percent, value) in expected {
            let found = percentile(&post, &pre, percent).expect("signal");
            assert!(
                (found / value - 1.0).abs() < 1e-6,
                "{percent}: {found} {value}"
            );
        }
    }

    #[test]
    fn ties_and_a_single_pixel() {
        let pre = Array2::from_elem((30, 10), 4.0f32);
        let post = Array2::from_shape_fn((30, 10), |(y, _)| if y < 20 { 6.0f32 } else { 7.0 });
        for (percent, value) in [
            (0.0, 1.5),
            (50.0, 1.5),
            (66.0, 1.5),
            (67.0, 1.75),
            (99.9, 1.75),
        ] {
            assert_eq!(percentile(&post, &pre, percent), Some(value), "{percent}");
        }
        let (mut one_post, mut one_pre) = (Array2::zeros((5, 5)), Array2::zeros((5, 5)));
        (one_post[(2, 3)], one_pre[(2, 3)]) = (3.0, 2.0);
        one_post[(4, 4)] = 9.0;
        for percent in [0.0, 50.0, 99.9, 100.0] {
            assert_eq!(percentile(&one_post, &one_pre, percent), Some(1.5));
        }
    }

    #[test]
    fn ends_and_errors() {
        let post = Array2::from_shape_fn((300, 10), |(y, x)| (y * 10 + x) as f32);
        let pre = Array2::from_elem((300, 10), 2.0);
        assert_eq!(percentile(&post, &pre, 0.0), Some(0.5));
        assert_eq!(percentile(&post, &pre, 100.0), Some(1499.5));
        assert_eq!(percentile(&post, &Array2::zeros((300, 10)), 50.0), None);
        assert_eq!(
            PercentilePasses::new(101.0),
            Err(ScaleError::Percentile(101.0))
        );
        assert!(PercentilePasses::new(f64::NAN).is_err());
    }
}
