//! What one scale and one offset leave of the background, where light or stain vary slowly.
//!
//! The image is divided into cells of 64 px. In each, the difference is fitted by `offset + slope x background` with Tukey's
//! weights (Beaton & Tukey 1974, doi:10.1080/00401706.1974.10489171), so that what is compact has no say. The slope is what the
//! scale is off by. The noise of pre is in the difference as in the background, with opposite signs, and would lower it: so the slope is
//! taken with the background of the block beside as an instrument (Wald 1940, doi:10.1214/aoms/1177731868), whose noise is another. It is shared by 3 x 3 cells; the offset is the median of 3 x 3 cells, as in SExtractor (Bertin & Arnouts
//! 1996, doi:10.1051/aas:1996164). Between the cells' middles both are interpolated.

use crate::normal::{clipped, quantile};
use ndarray::Array2;

/// Side of a cell, px: ten times as large as most microbes.
pub(crate) const CELL: usize = 64;
/// Side of a block, px: its mean has a quarter of the noise.
pub(crate) const BLOCK: usize = 4;
/// Blocks of a cell, and how many with data it needs.
const BLOCKS: usize = (CELL / BLOCK) * (CELL / BLOCK);
const MIN_BLOCKS: usize = BLOCKS / 16;
/// Tukey's constant: 95 % efficient on normal noise.
const TUKEY: f64 = 4.685;
const STEPS: usize = 6;
/// Cells on either side that share a slope, and that an offset is the median of.
const SLOPE_REACH: usize = 1;
const OFFSET_REACH: usize = 1;

/// What was found in one cell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cell {
    /// Weighted means of difference and background, counts.
    difference: f64,
    background: f64,
    /// Weighted sums of products about the means: of the instrument with background, and with difference.
    sxx: f64,
    sxy: f64,
    /// Scatter of what remains of a block, counts.
    sd: f64,
    is_measured: bool,
}

/// Means of 4 x 4 px: difference and background of a block, and background of the one beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) difference: f32,
    pub(crate) background: f32,
    pub(crate) beside: f32,
}

impl Cell {
    /// Fits the blocks of a cell.
    pub(crate) fn fit(blocks: &[Block]) -> Self {
        if blocks.len() < MIN_BLOCKS {
            return Self::default();
        }
        let mut rest: Vec<f32> = blocks.iter().map(|b| b.difference).collect();
        let (mean, mut scatter) = clipped(&mut rest);
        let (mut offset, mut slope, mut middle) = (mean, 0.0, 0.0);
        let mut cell = Self::default();
        for _ in 0..STEPS {
            let reach = (TUKEY * scatter).max(1e-6);
            let [mut w, mut sd, mut sb, mut sz, mut szb, mut szd] = [0.0; 6];
            for block in blocks {
                let d = f64::from(block.difference);
                let b = f64::from(block.background);
                let z = f64::from(block.beside);
                let t = (d - offset - slope * (b - middle)) / reach;
                if t.abs() < 1.0 {
                    let weight = (1.0 - t * t).powi(2);
                    w += weight;
                    sd += weight * d;
                    sb += weight * b;
                    sz += weight * z;
                    szb += weight * z * b;
                    szd += weight * z * d;
                }
            }
            if w < 1.0 {
                return Self::default();
            }
            (offset, middle) = (sd / w, sb / w);
            cell = Self {
                difference: offset,
                background: middle,
                sxx: szb - sz * middle,
                sxy: szd - sz * offset,
                sd: scatter,
                is_measured: true,
            };
            slope = cell.slope();
            let fitted = |block: &Block| {
                let (d, b) = (f64::from(block.difference), f64::from(block.background));
                (d - offset - slope * (b - middle)) as f32
            };
            rest.clear();
            rest.extend(blocks.iter().map(fitted));
            scatter = clipped(&mut rest).1;
        }
        cell.sd = scatter;
        cell
    }

    fn slope(&self) -> f64 {
        self.sxy / (self.sxx.max(0.0) + ridge(self.sd))
    }

    /// What remains of a pixel, of the background's smoothed brightness, after the cell's own fit, counts.
    pub(crate) fn rest(&self, (d, b): (f32, f32)) -> f64 {
        f64::from(d) - self.difference - self.slope() * (f64::from(b) - self.background)
    }

    /// Whether it was measured and its background is at least so bright.
    pub(crate) fn is_as_bright_as(&self, level: f32) -> bool {
        self.is_measured && self.background >= f64::from(level)
    }

    /// What remains of its mean without this offset and this slope, counts.
    pub(crate) fn remains(&self, offset: f64, slope: f64) -> f32 {
        (self.difference - offset - slope * self.background) as f32
    }

    pub(crate) fn is_measured(&self) -> bool {
        self.is_measured
    }
}

/// Keeps the slope of a background without contrast at 0: as if each block had the contrast of its noise.
fn ridge(sd: f64) -> f64 {
    BLOCKS as f64 * sd * sd + 1e-9
}

/// Offset and slope over the image.
#[derive(Debug, Clone)]
pub(crate) struct BackgroundField {
    offsets: Array2<f32>,
    slopes: Array2<f32>,
}

impl BackgroundField {
    /// Smooths the cells, shape `(rows of cells, columns of cells)`; cells without pixels take after their neighbours.
    pub(crate) fn new(cells: &Array2<Cell>) -> Self {
        let mut slopes = Array2::from_elem(cells.dim(), f32::NAN);
        let mut raw = slopes.clone();
        let mut offsets = slopes.clone();
        for (at, cell) in cells.indexed_iter().filter(|(_, c)| c.is_measured) {
            let (mut sxx, mut sxy) = (ridge(cell.sd), 0.0);
            for other in around(cells, at, SLOPE_REACH).filter(|c| c.is_measured) {
                sxx += other.sxx.max(0.0);
                sxy += other.sxy;
            }
            slopes[at] = (sxy / sxx) as f32;
            raw[at] = (cell.difference - sxy / sxx * cell.background) as f32;
        }
        smooth_by_medians(&raw, &mut offsets);
        // What the medians lose of a curved background they find in what is left of it (Tukey 1977: twicing).
        let mut more = Array2::from_elem(cells.dim(), f32::NAN);
        smooth_by_medians(&(&raw - &offsets), &mut more);
        offsets += &more;
        fill(&mut slopes);
        fill(&mut offsets);
        Self { offsets, slopes }
    }

    /// Takes the field off the pixels of row `y`: `difference -= offset + slope x background`.
    pub(crate) fn subtract_row(&self, y: usize, difference: &mut [f32], background: &[f32]) {
        let (rows, columns) = self.offsets.dim();
        let (y0, y1, ty) = between(y, rows);
        let at = |c: usize, of: &Array2<f32>| of[(y0, c)] + ty * (of[(y1, c)] - of[(y0, c)]);
        let line: Vec<(f32, f32)> = (0..columns)
            .map(|c| (at(c, &self.offsets), at(c, &self.slopes)))
            .collect();
        for (x, (d, b)) in difference.iter_mut().zip(background).enumerate() {
            let (x0, x1, t) = between(x, columns);
            let offset = line[x0].0 + t * (line[x1].0 - line[x0].0);
            let slope = line[x0].1 + t * (line[x1].1 - line[x0].1);
            *d -= offset + slope * b;
        }
    }

    /// What remains of the mean of a cell here, counts.
    pub(crate) fn remains_of(&self, at: (usize, usize), cell: &Cell) -> f32 {
        cell.remains(f64::from(self.offsets[at]), f64::from(self.slopes[at]))
    }

    /// The smallest and the largest slope: how far the scale varies over the image.
    pub(crate) fn range_of_slopes(&self) -> [f64; 2] {
        let all = || self.slopes.iter().copied();
        [
            f64::from(all().fold(f32::MAX, f32::min)),
            f64::from(all().fold(f32::MIN, f32::max)),
        ]
    }
}

/// The median of the numbers among the cells around, where there is a number.
fn smooth_by_medians(raw: &Array2<f32>, smooth: &mut Array2<f32>) {
    for (at, value) in smooth
        .indexed_iter_mut()
        .filter(|(at, _)| !raw[*at].is_nan())
    {
        let mut near: Vec<f32> = around(raw, at, OFFSET_REACH).copied().collect();
        near.retain(|v| !v.is_nan());
        *value = quantile(&mut near, 0.5) as f32;
    }
}

/// The cells up to `reach` away from `at`.
fn around<T>(cells: &Array2<T>, (y, x): (usize, usize), reach: usize) -> impl Iterator<Item = &T> {
    let (rows, columns) = cells.dim();
    let ys = y.saturating_sub(reach)..(y + reach + 1).min(rows);
    let xs = x.saturating_sub(reach)..(x + reach + 1).min(columns);
    ys.flat_map(move |y| xs.clone().map(move |x| &cells[(y, x)]))
}

/// Gives what is no number the mean of its neighbours, ring by ring; 0 where there are no numbers at all.
fn fill(values: &mut Array2<f32>) {
    let (rows, columns) = values.dim();
    while values.iter().any(|v| v.is_nan()) && values.iter().any(|v| !v.is_nan()) {
        let before = values.clone();
        for ((y, x), value) in values.indexed_iter_mut().filter(|(_, v)| v.is_nan()) {
            let (mut n, mut sum) = (0.0, 0.0);
            for ny in y.saturating_sub(1)..(y + 2).min(rows) {
                for nx in x.saturating_sub(1)..(x + 2).min(columns) {
                    if !before[(ny, nx)].is_nan() {
                        n += 1.0;
                        sum += before[(ny, nx)];
                    }
                }
            }
            if n > 0.0 {
                *value = sum / n;
            }
        }
    }
    let missing = values.iter_mut().filter(|v| v.is_nan());
    missing.for_each(|v| *v = 0.0);
}

/// The two cells whose middles a pixel lies between or is nearest to, and how far it is from the first: below 0 or above 1 in the
/// half cells at the border of the image, where the line through both goes on.
fn between(pixel: usize, cells: usize) -> (usize, usize, f32) {
    if cells < 2 {
        return (0, 0, 0.0);
    }
    let at = (pixel as f32 + 0.5) / CELL as f32 - 0.5;
    let first = (at.max(0.0) as usize).min(cells - 2);
    (first, first + 1, at - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_finds_offset_and_slope_under_microbes() {
        let of = |i: u32| 60.0 + 30.0 * (i as f32 / 9.0).sin();
        let noise = |i: u32| (i * 104_729 % 97) as f32 / 48.0 - 1.0;
        let blocks: Vec<Block> = (0..256u32)
            .map(|i| {
                let microbe = if i % 10 == 0 { 60.0 } else { 0.0 };
                let of_pre = 5.0 * noise(i + 31);
                Block {
                    difference: 3.0 + 0.1 * of(i) + noise(i) + microbe - of_pre,
                    background: of(i) + of_pre,
                    beside: of(i + 1) + 5.0 * noise(i + 32),
                }
            })
            .collect();
        let cell = Cell::fit(&blocks);
        assert!((cell.slope() - 0.1).abs() < 0.025, "{}", cell.slope());
        let offset = cell.difference - cell.slope() * cell.background;
        assert!((offset - 3.0).abs() < 1.8, "{offset}");
        assert!(cell.sd < 4.0, "{}", cell.sd);
    }

    #[test]
    fn cells_without_pixels_take_after_their_neighbours() {
        let full = Cell {
            difference: 5.0,
            background: 10.0,
            sxx: 100.0,
            sxy: 0.0,
            sd: 1.0,
            is_measured: true,
        };
        let mut cells = Array2::from_elem((4, 6), full);
        cells[(2, 3)] = Cell::default();
        let field = BackgroundField::new(&cells);
        let mut row = [5.0f32; 300];
        field.subtract_row(150, &mut row, &[10.0; 300]);
        assert!(row.iter().all(|v| v.abs() < 1e-4));
    }
}
