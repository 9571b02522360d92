//! The mean of a difference as it changes slowly across the image: a wrong scale, uneven light, rock that took up stain.

use crate::DifferenceSummary;
use ndarray::{Array2, s};

/// Side of a tile at least, px: the median of a tile has a fortieth of the noise of a pixel.
const TILE_PX: usize = 50;
/// Numbers along a side of a tile at least, so that a microbe in some of them does not move the median.
const TILE_NUMBERS: usize = 5;

/// Medians of the means in tiles, and what lies between their middles.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SlowMean {
    /// NaN where a tile has no section.
    tiles: Array2<f32>,
    /// Rows and columns of extremes in a tile.
    tile: [usize; 2],
}

impl SlowMean {
    /// That of a difference.
    pub(super) fn of(difference: &DifferenceSummary) -> Self {
        let (joined, factor) = (difference.joined.max(1), difference.factor.max(1));
        let rows = TILE_PX.div_ceil(factor).max(TILE_NUMBERS);
        let columns = joined * TILE_PX.div_ceil(joined * factor).max(TILE_NUMBERS);
        let extremes = &difference.extremes;
        let shape = (
            extremes.nrows().div_ceil(rows),
            extremes.ncols().div_ceil(columns),
        );
        let mut numbers = Vec::new();
        let tiles = Array2::from_shape_fn(shape, |(y, x)| {
            let own_rows = y * rows..((y + 1) * rows).min(extremes.nrows());
            let own_columns = x * columns..((x + 1) * columns).min(extremes.ncols());
            let own = extremes.slice(s![own_rows.clone(), own_columns.clone()]);
            numbers.clear();
            for ((row, column), _) in own.indexed_iter().filter(|(at, _)| at.1 % joined == 0) {
                let blocks = s![row, column..(column + joined).min(own.ncols())];
                let at = (own_rows.start + row, (own_columns.start + column) / joined);
                // A number of which a part lies beside the section is nearer to 0.
                let is_section = own.slice(blocks).iter().all(|v| v.is_finite());
                numbers.extend(
                    difference
                        .means
                        .get(at)
                        .filter(|v| is_section && v.is_finite()),
                );
            }
            if numbers.is_empty() {
                return f32::NAN;
            }
            let middle = numbers.len() / 2;
            *numbers.select_nth_unstable_by(middle, f32::total_cmp).1
        });
        Self {
            tiles,
            tile: [rows, columns],
        }
    }

    /// The mean around a row and column of the extremes; 0 far from all section.
    pub(super) fn at(&self, row: f64, column: f64) -> f32 {
        let place = |at: f64, tile: usize| {
            let at = (at + 0.5) / tile as f64 - 0.5;
            (at.floor() as isize, at - at.floor())
        };
        let ((y, fy), (x, fx)) = (place(row, self.tile[0]), place(column, self.tile[1]));
        let (mut sum, mut weights) = (0.0, 0.0);
        for (y, wy) in [(y, 1.0 - fy), (y + 1, fy)] {
            for (x, wx) in [(x, 1.0 - fx), (x + 1, fx)] {
                let (Ok(y), Ok(x)) = (usize::try_from(y), usize::try_from(x)) else {
                    continue;
                };
                let tile = self.tiles.get((y, x)).filter(|v| v.is_finite());
                if let Some(value) = tile {
                    sum += wy * wx * f64::from(*value);
                    weights += wy * wx;
                }
            }
        }
        if weights > 0.0 {
            (sum / weights) as f32
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_followed_and_single_bright_blocks_are_not() {
        for (factor, joined) in [(1, 4), (6, 4), (23, 4), (23, 1)] {
            let (height, width) = (900, 1200);
            let mut means = Array2::from_shape_fn((height, width / joined), |(y, x)| {
                (0.01 * y as f64 - 0.02 * (x * joined) as f64) as f32
            });
            means.iter_mut().step_by(7).for_each(|v| *v += 500.0);
            let mut extremes = Array2::zeros((height, width));
            extremes.slice_mut(s![.., ..300]).fill(f32::NAN);
            let mean = SlowMean::of(&DifferenceSummary {
                extremes,
                pre_brightness: means.clone(),
                means,
                joined,
                factor,
                scale: 1.0,
                offset: 0.0,
                median_magnitude: None,
            });
            let mut worst = 0.0f64;
            for (y, x) in [(0, 340), (450, 700), (899, 1199), (300, 1000)] {
                let expected = 0.01 * y as f64 - 0.02 * x as f64;
                let found = f64::from(mean.at(y as f64, x as f64));
                worst = worst.max((found - expected).abs());
            }
            // Half a tile of the slope, and what one number in seven moves the median.
            assert!(worst < 1.0, "{factor} {joined}: {worst}");
            assert_eq!(mean.at(450.0, 20.0), 0.0);
        }
    }
}
