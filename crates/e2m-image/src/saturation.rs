//! Where a camera could not count any further: the level at which an image is cut off.

use crate::band::check_band;
use crate::{BandError, BandSink, PixelType, Size};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// Levels that are counted: the highest, and those below it that tell how the distribution ends.
const LEVELS: usize = 9;
/// So many levels below the highest tell what it would hold by itself: a distribution becomes thinner towards its end, so
/// that the nearest say most. An image of fewer levels is a drawing or blank.
const BELOW: usize = 4;
/// Bits of which the highest count is where a camera ends.
const BIT_DEPTHS: [u32; 5] = [8, 10, 12, 14, 16];
/// The highest level holds this many standard deviations more than those below it make likely. Of as many images as have ever
/// been taken of sections, none would by chance.
const BEYOND_CHANCE: f64 = 6.0;
/// Pixels whose greatest is looked at before any of them is counted.
const RUN_PX: usize = 64;

/// Pixels at a level that is the end of a camera's range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SaturationLevel {
    /// Pixels of this value or above are saturated.
    pub level: f32,
    /// How many there are.
    pub pixels: u64,
}

impl SaturationLevel {
    /// Whether a pixel is saturated.
    #[inline]
    pub fn reaches(&self, value: f32) -> bool {
        value >= self.level
    }
}

/// A sink that counts how many pixels have each of the highest values of an image.
///
/// Exact for images of every type and bands of any height: a value that is among the highest in the end was so whenever it
/// came by.
#[derive(Debug, Clone)]
pub struct HighestLevels {
    size: Size,
    rows_seen: usize,
    /// By descending value.
    levels: Vec<(f32, u64)>,
}

impl HighestLevels {
    /// A sink for an image of `size`.
    pub fn new(size: Size) -> Self {
        Self {
            size,
            rows_seen: 0,
            levels: Vec::with_capacity(LEVELS + 1),
        }
    }

    /// The level at which the image is cut off, if it is; `without` are values that are not to be counted, such as those of
    /// hot pixels.
    ///
    /// The highest value is such a level where it is the highest count of 8, 10, 12, 14 or 16 bits, no more than the type can
    /// hold, or where more pixels have it than the values below it make likely: a distribution that ends by itself becomes
    /// thinner towards its end.
    pub fn saturation(
        &self,
        pixels: PixelType,
        without: impl Iterator<Item = f32>,
    ) -> Option<SaturationLevel> {
        let mut levels = self.levels.clone();
        for value in without {
            if let Some((_, count)) = levels.iter_mut().find(|(level, _)| *level == value) {
                *count = count.saturating_sub(1);
            }
        }
        let mut levels = levels.into_iter().filter(|(_, count)| *count > 0);
        let (level, pixels_there) = levels.next()?;
        let below: Vec<f64> = levels.map(|(_, count)| count as f64).collect();
        let saturated = SaturationLevel {
            level,
            pixels: pixels_there,
        };
        if below.len() < BELOW {
            return None;
        }
        let is_full_scale = is_full_scale(level, pixels);
        (is_full_scale || pixels_there as f64 > likely_at_most(&below)).then_some(saturated)
    }

    fn count(&mut self, value: f32) {
        // Values come in runs of neighbours, and the list is short.
        let at = self.levels.partition_point(|(level, _)| *level > value);
        match self.levels.get_mut(at) {
            Some((level, count)) if *level == value => *count += 1,
            _ if at < LEVELS => {
                self.levels.insert(at, (value, 1));
                self.levels.truncate(LEVELS);
            }
            _ => {}
        }
    }

    fn count_row(&mut self, row: &[f32]) {
        for run in row.chunks(RUN_PX) {
            let mut lanes = [f32::NEG_INFINITY; 16];
            let (whole, rest) = run.as_chunks::<16>();
            for pixels in whole {
                for (lane, &v) in lanes.iter_mut().zip(pixels) {
                    *lane = if v > *lane { v } else { *lane };
                }
            }
            let greatest = lanes
                .iter()
                .chain(rest)
                .copied()
                .fold(f32::NEG_INFINITY, f32::max);
            if greatest < self.least() {
                continue;
            }
            for &value in run {
                if value >= self.least() && value.is_finite() {
                    self.count(value);
                }
            }
        }
    }

    /// Values below this one do not count any more.
    fn least(&self) -> f32 {
        match self.levels.get(LEVELS - 1) {
            Some((level, _)) => *level,
            None => f32::MIN,
        }
    }
}

impl BandSink for HighestLevels {
    fn size(&self) -> Size {
        self.size
    }

    fn write_band(&mut self, band: ArrayView2<'_, f32>) -> Result<(), BandError> {
        check_band(self.size, self.rows_seen, band.dim())?;
        self.rows_seen += band.nrows();
        for row in band.rows() {
            match row.as_slice() {
                Some(row) => self.count_row(row),
                None => self.count_row(&row.to_vec()),
            }
        }
        Ok(())
    }
}

/// Whether a camera of some bit depth, or a container of this type, ends at this value. An 8 bit image that is stored as 16 bits
/// or as floats ends at 255 like one of 8.
fn is_full_scale(level: f32, pixels: PixelType) -> bool {
    let full = |bits: u32| level == ((1u32 << bits) - 1) as f32;
    match pixels {
        PixelType::U8 => full(8),
        PixelType::U16 => BIT_DEPTHS.into_iter().any(full),
        PixelType::F32 => level == 1.0 || BIT_DEPTHS.into_iter().any(full),
    }
}

/// As many pixels as the values below the highest make likely for it: the greatest count of the nearest, and its scatter.
fn likely_at_most(below: &[f64]) -> f64 {
    let nearest = below.iter().take(BELOW);
    let greatest = nearest.copied().fold(1.0, f64::max);
    greatest + BEYOND_CHANCE * greatest.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};

    const SIZE: Size = Size {
        width: 301,
        height: 200,
    };

    /// Normal deviates about 100, of this standard deviation, by a sum of twelve uniform ones.
    fn noise(deviation: f32) -> Array2<f32> {
        let mut state = 7u64;
        let mut unit = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        Array2::from_shape_simple_fn(SIZE.shape(), move || {
            let sum: f32 = (0..12).map(|_| unit()).sum();
            100.0 + deviation * (sum - 6.0)
        })
    }

    fn levels(image: &Array2<f32>, band_rows: usize) -> HighestLevels {
        let mut levels = HighestLevels::new(SIZE);
        for first in (0..SIZE.height).step_by(band_rows) {
            let end = (first + band_rows).min(SIZE.height);
            levels
                .write_band(image.slice(s![first..end, ..]))
                .expect("a band");
        }
        levels
    }

    fn found(image: &Array2<f32>, pixels: PixelType) -> Option<SaturationLevel> {
        levels(image, 32).saturation(pixels, std::iter::empty())
    }

    #[test]
    fn a_distribution_that_ends_by_itself_is_not_cut_off() {
        for deviation in [0.7, 3.0, 12.0, 25.0] {
            let image = noise(deviation);
            assert_eq!(found(&image, PixelType::F32), None, "{deviation}");
            let whole = image.mapv(f32::round);
            assert_eq!(found(&whole, PixelType::U8), None, "{deviation}");
            // 8 bit counts stretched over 16 bits.
            let stretched = whole.mapv(|v| 257.0 * v);
            assert_eq!(found(&stretched, PixelType::U16), None, "{deviation}");
            let fine = image.mapv(|v| (40.0 * v).round());
            assert_eq!(found(&fine, PixelType::U16), None, "{deviation}");
        }
    }

    #[test]
    fn a_pile_at_the_end_is_a_level_whatever_the_type() {
        for (share, z) in [(0.0014, 3.0), (0.023, 2.0), (0.16, 1.0)] {
            for (deviation, factor, pixels) in [
                (25.0, 1.0, PixelType::U8),
                (25.0, 16.0, PixelType::U16),
                (12.0, 4.0, PixelType::U16),
                (12.0, 0.01, PixelType::F32),
            ] {
                let end = factor * (100.0 + deviation * z);
                let round = |v: f32| {
                    if pixels == PixelType::F32 {
                        v
                    } else {
                        v.round()
                    }
                };
                let end = round(end);
                let image = noise(deviation).mapv(|v| round(factor * v).min(end));
                let at_end = image.iter().filter(|v| **v == end).count() as u64;
                let found = found(&image, pixels).expect("a level");
                assert_eq!((found.level, found.pixels), (end, at_end));
                assert!((at_end as f64 / 60_200.0 / share - 1.0).abs() < 0.35);
            }
        }
    }

    #[test]
    fn the_end_of_a_bit_depth_needs_no_pile() {
        for (bits, pixels) in [
            (8, PixelType::U8),
            (12, PixelType::U16),
            (14, PixelType::U16),
        ] {
            let end = ((1u32 << bits) - 1) as f32;
            let mut image = noise(20.0).mapv(f32::round);
            image[(50, 60)] = end;
            image[(51, 60)] = end;
            let expected = SaturationLevel {
                level: end,
                pixels: 2,
            };
            assert_eq!(found(&image, pixels), Some(expected));
            // Unless hot pixels are all there is.
            let without = [end, end].into_iter();
            assert_eq!(levels(&image, 32).saturation(pixels, without), None);
        }
    }

    #[test]
    fn a_blank_image_has_no_level_and_bands_make_no_difference() {
        assert_eq!(
            found(&Array2::from_elem(SIZE.shape(), 255.0), PixelType::U8),
            None
        );
        let image = noise(20.0).mapv(|v| v.min(120.0));
        let whole = levels(&image, 200);
        for band_rows in [1, 7, 64] {
            assert_eq!(levels(&image, band_rows).levels, whole.levels);
        }
    }
}
