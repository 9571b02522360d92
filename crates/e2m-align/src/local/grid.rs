//! The grid of control points that tiles support, and what a field on it costs in bending.

use super::band::BandMatrix;
use crate::tiles::TileSpec;
use e2m_image::{Deformation, spline_weights, square_points};

/// Control points lie this many tile distances apart: three tiles for each, so that one that strays is outvoted.
const SPACING_PER_DISTANCE: f64 = 1.75;
/// Cells along the longer side, at most: a field this fine is as large as a computation should be.
const MAX_CELLS: usize = 28;
/// A square of tiles spans so many cells at most: what a row of the equations reaches over.
const REACH: usize = 4;
/// Places and weights of Gauss and Legendre on 0 to 1, exact for products of cubics.
const GAUSS: [(f64, f64); 4] = [
    (0.069_431_844_202_973_7, 0.173_927_422_568_727),
    (0.330_009_478_207_571_87, 0.326_072_577_431_273),
    (0.669_990_521_792_428_1, 0.326_072_577_431_273),
    (0.930_568_155_797_026_3, 0.173_927_422_568_727),
];

/// Where the control points lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FieldGrid {
    /// The first control point, post px.
    first: (f64, f64),
    spacing_px: f64,
    columns: usize,
    rows: usize,
}

/// How a mean over a tile depends on the control points: their numbers with their weights.
pub(super) type TileRow = Vec<(usize, f64)>;

impl FieldGrid {
    /// The grid that these tiles support, over all of them; `None` without tiles.
    pub(super) fn over(tiles: &[TileSpec]) -> Option<Self> {
        let side = |t: &TileSpec| t.side_px as f64;
        let low = |f: fn(&TileSpec) -> usize| tiles.iter().map(f).min();
        let (left, top) = (low(|t| t.x)? as f64, low(|t| t.y)? as f64);
        let high = |f: fn(&TileSpec) -> usize| tiles.iter().map(f).max();
        let (right, bottom) = (
            high(|t| t.x + t.side_px)? as f64,
            high(|t| t.y + t.side_px)? as f64,
        );
        let (width, height) = (right - left, bottom - top);
        let largest = tiles.iter().map(side).fold(0.0, f64::max);
        // The mean distance of tiles that fill the rectangle about them.
        let distance = (width * height / tiles.len() as f64).sqrt().max(largest);
        let spacing_px =
            (SPACING_PER_DISTANCE * distance).max(width.max(height) / MAX_CELLS as f64);
        let cells = |extent: f64| ((extent / spacing_px).ceil() as usize).max(1);
        let (across, down) = (cells(width), cells(height));
        let begin = |first: f64, extent: f64, cells: usize| {
            first + (extent - cells as f64 * spacing_px) / 2.0 - spacing_px
        };
        Some(Self {
            first: (begin(left, width, across), begin(top, height, down)),
            spacing_px,
            columns: across + 3,
            rows: down + 3,
        })
    }

    pub(super) fn points(&self) -> usize {
        self.columns * self.rows
    }

    /// The field with these values at the control points.
    pub(super) fn field(&self, [dx, dy]: [Vec<f64>; 2]) -> Option<Deformation> {
        // Ten-thousandths of a px are more than any tile tells, and short in a record.
        let short = |values: Vec<f64>| -> Vec<f64> {
            values
                .into_iter()
                .map(|v| (v * 1e4).round() / 1e4 + 0.0)
                .collect()
        };
        let points = (self.columns, self.rows);
        Deformation::new(self.first, self.spacing_px, points, short(dx), short(dy)).ok()
    }

    /// An empty matrix for the control points.
    pub(super) fn matrix(&self) -> BandMatrix {
        BandMatrix::zeros(self.points(), REACH * self.columns + REACH)
    }

    /// How the mean over a tile depends on the control points.
    pub(super) fn row_of(&self, tile: &TileSpec) -> TileRow {
        let (x, y) = tile.centre();
        let mut row: TileRow = Vec::with_capacity(25);
        for ((x, y), share) in square_points(x, y, tile.side_px as f64) {
            let (i, wx) = place(x, self.first.0, self.spacing_px, self.columns);
            let (j, wy) = place(y, self.first.1, self.spacing_px, self.rows);
            for (b, wy) in wy.iter().enumerate() {
                for (a, wx) in wx.iter().enumerate() {
                    let point = (j + b) * self.columns + i + a;
                    let weight = share * wx * wy;
                    match row.iter_mut().find(|(p, _)| *p == point) {
                        Some((_, sum)) => *sum += weight,
                        None => row.push((point, weight)),
                    }
                }
            }
        }
        row
    }

    /// The bending energy of a field as a matrix: the integral of its squared second derivatives over the cells, in cells
    /// (Wahba 1990, doi:10.1137/1.9781611970128). Nothing for what is linear.
    pub(super) fn bending(&self) -> BandMatrix {
        let mut matrix = self.matrix();
        let [value, slope, bend] = cell_products();
        for j in 0..self.rows - 3 {
            for i in 0..self.columns - 3 {
                for (b, d) in pairs() {
                    for (a, c) in pairs() {
                        let energy = bend[a][c] * value[b][d]
                            + 2.0 * slope[a][c] * slope[b][d]
                            + value[a][c] * bend[b][d];
                        let at = |r: usize, k: usize| (j + r) * self.columns + i + k;
                        matrix.add(at(b, a), at(d, c), energy);
                    }
                }
            }
        }
        matrix
    }
}

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..16).map(|k| (k / 4, k % 4))
}

/// The first of the four control points about a place, and their weights.
fn place(at: f64, first: f64, spacing: f64, points: usize) -> (usize, [f64; 4]) {
    let u = ((at - first) / spacing - 1.0).clamp(0.0, points as f64 - 3.0);
    let cell = (u as usize).min(points - 4);
    (cell, spline_weights(u - cell as f64))
}

/// Integrals over a cell of products of the four splines about it, of their slopes, and of their second derivatives.
fn cell_products() -> [[[f64; 4]; 4]; 3] {
    let mut products = [[[0.0; 4]; 4]; 3];
    for (t, weight) in GAUSS {
        let r = 1.0 - t;
        let slopes = [
            -r * r / 2.0,
            (3.0 * t * t - 4.0 * t) / 2.0,
            (4.0 * r - 3.0 * r * r) / 2.0,
            t * t / 2.0,
        ];
        let bends = [r, 3.0 * t - 2.0, 3.0 * r - 2.0, t];
        for (product, of) in products.iter_mut().zip([spline_weights(t), slopes, bends]) {
            for (a, c) in pairs() {
                product[a][c] += weight * of[a] * of[c];
            }
        }
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiles() -> Vec<TileSpec> {
        let tile = |i: usize| TileSpec {
            x: 40 + 96 * (i % 9),
            y: 70 + 96 * (i / 9),
            side_px: 96,
        };
        (0..63).map(tile).collect()
    }

    /// What bends a field costs, as the quadratic form of the matrix.
    fn energy(grid: &FieldGrid, values: &[f64]) -> f64 {
        // x'Kx from solutions would need the inverse: K is applied by differences of energies instead.
        let bending = grid.bending();
        bending.product(values, values)
    }

    #[test]
    fn linear_fields_do_not_bend_and_others_do() {
        let grid = FieldGrid::over(&tiles()).expect("tiles");
        let value = |f: fn(f64, f64) -> f64| -> Vec<f64> {
            let at = |i: usize| f((i % grid.columns) as f64, (i / grid.columns) as f64);
            (0..grid.points()).map(at).collect()
        };
        assert!(energy(&grid, &value(|x, y| 3.0 + 2.0 * x - y)).abs() < 1e-9);
        // x²: a second derivative of 2 over every cell.
        let cells = ((grid.columns - 3) * (grid.rows - 3)) as f64;
        let curved = energy(&grid, &value(|x, _| x * x));
        assert!((curved - 4.0 * cells).abs() < 1e-6 * curved, "{curved}");
        let twisted = energy(&grid, &value(|x, y| x * y));
        assert!((twisted - 2.0 * cells).abs() < 1e-6 * twisted, "{twisted}");
    }

    #[test]
    fn a_row_is_the_mean_over_its_tile() {
        let grid = FieldGrid::over(&tiles()).expect("tiles");
        let wave = |i: usize| ((i % grid.columns) as f64 * 1.1).sin() + (i / grid.columns) as f64;
        let values: Vec<f64> = (0..grid.points()).map(wave).collect();
        let field = grid
            .field([values.clone(), values.clone()])
            .expect("a field");
        for tile in tiles() {
            let row = grid.row_of(&tile);
            assert!((row.iter().map(|(_, w)| w).sum::<f64>() - 1.0).abs() < 1e-12);
            let found: f64 = row.iter().map(|(p, w)| w * values[*p]).sum();
            let mut mean = 0.0;
            for k in 0..96 * 96 {
                let (x, y) = (tile.x + k % 96, tile.y + k / 96);
                mean += field.at(x as f64, y as f64).0 / (96.0 * 96.0);
            }
            assert!((found - mean).abs() < 2e-3, "{found} {mean}");
        }
    }
}
