//! The distribution of log ratios, gathered band by band.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

/// The histogram spans log10 ratios of -MAX_LOG to MAX_LOG: factors of 1/1000 to 1000.
const MAX_LOG: f64 = 3.0;
/// Bins per decade: 0.12 % per bin, well below the accuracy wanted of a scale.
const BINS_PER_DECADE: usize = 2000;
/// Bins in all.
const BINS: usize = 2 * MAX_LOG as usize * BINS_PER_DECADE;
/// Brightness classes, one per doubling of the aligned pre count.
const CLASSES: usize = 17;
/// Interleaved groups of rows, from whose scatter the standard error follows.
pub(crate) const GROUPS: usize = 8;
/// Rows that belong to one group together: structure of this size is sampled as a whole.
const ROWS_PER_GROUP: usize = 64;

/// The distribution of `log10(post / aligned pre)` over the pixels where both are positive.
///
/// Kept by brightness, because the ratio of two faint 8 bit counts is mostly rounding, and by groups of rows. Exact
/// counts in 6 MiB whatever the image; the order and height of the bands do not matter as long as they come top to
/// bottom.
#[derive(Debug, Clone)]
pub struct RatioStatistics {
    /// `[group][class][bin]`, flat.
    counts: Vec<u32>,
    rows_seen: usize,
    both_positive: u64,
}

impl Default for RatioStatistics {
    fn default() -> Self {
        Self {
            counts: vec![0; GROUPS * CLASSES * BINS],
            rows_seen: 0,
            both_positive: 0,
        }
    }
}

impl RatioStatistics {
    /// Adds the next rows of post and aligned pre, both of shape `(rows, width)`.
    pub fn add_band(&mut self, post: ArrayView2<'_, f32>, aligned: ArrayView2<'_, f32>) {
        let first_row = self.rows_seen;
        let ranges: Vec<(usize, usize)> = group_ranges(first_row, post.nrows());
        // Rows of one group are counted by one thread at a time: addition commutes, the counts are exact.
        let counted: Vec<(usize, Vec<u32>)> = (0..GROUPS)
            .into_par_iter()
            .filter(|group| ranges.iter().any(|r| group_of(r.0) == *group))
            .map(|group| {
                let mut counts = vec![0u32; CLASSES * BINS];
                for &(start, end) in ranges.iter().filter(|r| group_of(r.0) == group) {
                    for row in start - first_row..end - first_row {
                        count_row(
                            post.index_axis(Axis(0), row),
                            aligned.index_axis(Axis(0), row),
                            &mut counts,
                        );
                    }
                }
                (group, counts)
            })
            .collect();
        for (group, counts) in counted {
            let own = &mut self.counts[group * CLASSES * BINS..(group + 1) * CLASSES * BINS];
            for (own, new) in own.iter_mut().zip(&counts) {
                *own = own.saturating_add(*new);
                self.both_positive += u64::from(*new);
            }
        }
        self.rows_seen += post.nrows();
    }

    /// Pixels that are positive in both images.
    pub fn both_positive(&self) -> u64 {
        self.both_positive
    }

    /// Pixels per brightness class: class `c` holds aligned pre counts from `2^(c-1)` to `2^c`, the first and the last
    /// what lies beyond.
    pub(crate) fn class_totals(&self) -> [u64; CLASSES] {
        let mut totals = [0; CLASSES];
        for (i, bins) in self.counts.chunks_exact(BINS).enumerate() {
            totals[i % CLASSES] += bins.iter().map(|&c| u64::from(c)).sum::<u64>();
        }
        totals
    }

    /// The histogram over all groups but `without`, of the classes from `class` up.
    pub(crate) fn histogram(&self, class: usize, without: Option<usize>) -> Vec<u64> {
        let mut sum = vec![0u64; BINS];
        for (i, bins) in self.counts.chunks_exact(BINS).enumerate() {
            if i % CLASSES >= class && Some(i / CLASSES) != without {
                for (sum, &count) in sum.iter_mut().zip(bins) {
                    *sum += u64::from(count);
                }
            }
        }
        sum
    }

    /// The log10 ratio at the centre of a bin.
    pub(crate) fn bin_centre(bin: f64) -> f64 {
        (bin + 0.5) / BINS_PER_DECADE as f64 - MAX_LOG
    }

    /// Width of a bin in log10.
    pub(crate) const BIN_WIDTH: f64 = 1.0 / BINS_PER_DECADE as f64;
}

fn group_of(row: usize) -> usize {
    row / ROWS_PER_GROUP % GROUPS
}

/// The rows `first .. first + count`, cut where the group changes.
fn group_ranges(first: usize, count: usize) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut start = first;
    while start < first + count {
        let end = ((start / ROWS_PER_GROUP + 1) * ROWS_PER_GROUP).min(first + count);
        ranges.push((start, end));
        start = end;
    }
    ranges
}

fn count_row(
    post: ndarray::ArrayView1<'_, f32>,
    aligned: ndarray::ArrayView1<'_, f32>,
    counts: &mut [u32],
) {
    for (&post, &pre) in post.iter().zip(&aligned) {
        if post > 0.0 && pre > 0.0 {
            let log = (f64::from(post) / f64::from(pre)).log10();
            let bin =
                ((log + MAX_LOG) * BINS_PER_DECADE as f64).clamp(0.0, (BINS - 1) as f64) as usize;
            counts[class_of(pre) * BINS + bin] += 1;
        }
    }
}

/// The brightness class of an aligned pre count.
pub(crate) fn class_of(pre: f32) -> usize {
    // The exponent of a positive float is the floor of its binary logarithm.
    let exponent = (pre.to_bits() >> 23) as i32 - 127;
    (exponent + 1).clamp(0, CLASSES as i32 - 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};

    #[test]
    fn classes_are_doublings() {
        assert_eq!(
            [0.3, 1.0, 1.9, 2.0, 255.0, 65535.0, 1e9].map(class_of),
            [0, 1, 1, 2, 8, 16, 16]
        );
    }

    #[test]
    fn band_height_does_not_matter() {
        let pre = Array2::from_shape_fn((300, 40), |(y, x)| ((x * 31 + y * 17) % 97) as f32);
        let post = Array2::from_shape_fn((300, 40), |(y, x)| ((x * 13 + y * 29) % 89) as f32);
        let gather = |band_rows: usize| {
            let mut statistics = RatioStatistics::default();
            for start in (0..300).step_by(band_rows) {
                let rows = s![start..(start + band_rows).min(300), ..];
                statistics.add_band(post.slice(rows), pre.slice(rows));
            }
            statistics
        };
        let whole = gather(300);
        let positive = post
            .iter()
            .zip(&pre)
            .filter(|(a, b)| **a > 0.0 && **b > 0.0)
            .count();
        assert_eq!(whole.both_positive(), positive as u64);
        assert_eq!(whole.class_totals().iter().sum::<u64>(), positive as u64);
        for band_rows in [1, 7, 64, 100] {
            let other = gather(band_rows);
            assert_eq!(other.counts, whole.counts);
        }
    }

    #[test]
    fn groups_add_up() {
        let pre = Array2::from_elem((1000, 3), 10.0f32);
        let mut statistics = RatioStatistics::default();
        statistics.add_band(pre.view(), pre.view());
        let all: u64 = statistics.histogram(0, None).iter().sum();
        let without: u64 = (0..GROUPS)
            .map(|g| statistics.histogram(0, Some(g)).iter().sum::<u64>())
            .sum();
        assert_eq!(all, 3000);
        assert_eq!(without, all * (GROUPS as u64 - 1));
    }
}
