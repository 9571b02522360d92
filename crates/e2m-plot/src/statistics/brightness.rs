//! The histogram of one image.

use super::levels::{LEVELS, Levels};
use super::pair::MAX_COUNTERS;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// Pixels that go through the buffers at a time.
pub(crate) const CHUNK: usize = 1024;
/// Rows that one thread takes at a time.
const ROWS_PER_TASK: usize = 64;

/// How many pixels of an image have each level: exact, 0.5 MiB.
#[derive(Debug, Clone, PartialEq)]
pub struct BrightnessHistogram {
    levels: Levels,
    counts: Vec<u64>,
}

impl BrightnessHistogram {
    /// An empty histogram.
    pub fn new(levels: Levels) -> Self {
        Self {
            levels,
            counts: vec![0; LEVELS],
        }
    }

    /// Adds all pixels of `band`, shape `(rows, width)`, of a raw image in its own type; NaN is left out.
    pub fn add_band<T>(&mut self, band: ArrayView2<'_, T>)
    where
        T: Copy + Into<f32> + Sync,
    {
        let levels = self.levels;
        let rows: Vec<_> = band
            .axis_chunks_iter(ndarray::Axis(0), ROWS_PER_TASK)
            .collect();
        // No more counters than threads that count.
        let pieces = rows.len().div_ceil(MAX_COUNTERS).max(1);
        let partial = rows
            .into_par_iter()
            .with_min_len(pieces)
            .fold(
                || vec![0u64; LEVELS],
                |mut counts, rows| {
                    let mut values = Vec::with_capacity(rows.ncols());
                    for row in rows.outer_iter() {
                        values.clear();
                        values.extend(row.iter().map(|&v| v.into()).filter(|v: &f32| !v.is_nan()));
                        count_levels(levels, &values, |level| counts[level] += 1);
                    }
                    counts
                },
            )
            .reduce_with(|mut a, b| {
                add(&mut a, &b);
                a
            });
        if let Some(partial) = partial {
            add(&mut self.counts, &partial);
        }
    }

    /// Adds the counts of another histogram of the same levels.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.counts, &other.counts);
    }

    pub(crate) fn from_counts(levels: Levels, counts: Vec<u64>) -> Self {
        Self { levels, counts }
    }

    /// The levels it counts.
    pub fn levels(&self) -> Levels {
        self.levels
    }

    /// Pixels of each level.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Pixels in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Calls `count` with the level of each value.
#[inline]
pub(crate) fn count_levels(levels: Levels, values: &[f32], mut count: impl FnMut(usize)) {
    let mut buffer = [0u16; CHUNK];
    for chunk in values.chunks(CHUNK) {
        let found = &mut buffer[..chunk.len()];
        levels.fill(chunk, found);
        for &level in found.iter() {
            count(usize::from(level));
        }
    }
}

pub(crate) fn add(sum: &mut [u64], more: &[u64]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn every_type_and_band_height_gives_the_plain_count() {
        let raw = Array2::from_shape_fn((150, 70), |(y, x)| ((x * 31 + y * y * 17) % 251) as u8);
        let mut expected = vec![0u64; LEVELS];
        for &v in &raw {
            expected[usize::from(v)] += 1;
        }
        for rows in [1, 7, 64, 150] {
            let mut bytes = BrightnessHistogram::new(Levels::COUNTS);
            let mut words = bytes.clone();
            let mut floats = bytes.clone();
            for start in (0..150).step_by(rows) {
                let band = raw.slice(ndarray::s![start..(start + rows).min(150), ..]);
                bytes.add_band(band);
                words.add_band(band.mapv(u16::from).view());
                floats.add_band(band.mapv(f32::from).view());
            }
            assert_eq!(bytes.counts(), expected);
            assert_eq!((&bytes, &bytes), (&words, &floats));
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_counted() {
        let mut histogram = BrightnessHistogram::new(Levels::COUNTS);
        histogram.add_band(Array2::from_elem((2, 2), f32::NAN).view());
        histogram.add_band(Array2::<u8>::zeros((0, 5)).view());
        assert_eq!(histogram.total(), 0);
    }
}
