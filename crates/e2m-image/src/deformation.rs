//! A smooth displacement on top of a homography, as a small grid.

use crate::{Size, Warp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Control points along an axis, at least: what one cell needs.
const MIN_POINTS: usize = 4;
/// Control points along an axis, at most, so that a record that cannot be trusted asks for no memory to speak of.
const MAX_POINTS: usize = 512;
/// Displacements and places beyond this are no pixels.
const MAX_PX: f64 = 1e7;
/// Steps of the grid over an image on which the homography's derivatives are looked at.
const WARP_STEPS: usize = 8;
/// The derivatives of a homography may be this much larger between these.
const WARP_SLACK: f64 = 1.02;

/// Why numbers are not a deformation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeformationError {
    /// The grid is too small, too large, or its values are not as many as its points.
    #[error(
        "not a grid of {MIN_POINTS} to {MAX_POINTS} control points a side: {columns} x {rows} with {values} values"
    )]
    Grid {
        /// Control points along x.
        columns: usize,
        /// Control points along y.
        rows: usize,
        /// Values that were given for one of the two directions.
        values: usize,
    },
    /// The spacing is not positive, or a number is not finite or far beyond any image.
    #[error("a grid of displacements has a number that is no number of pixels: {0}")]
    Number(f64),
}

/// A displacement field, in pre px, that is added to where a homography sends a point: a uniform cubic B-spline on a grid.
///
/// The displacement at the post point `(x, y)`, in the coordinates of the warp it goes with, is
///
/// ```text
/// dx(x, y) = sum over rows j and columns i of dx[j][i] * B(u - i) * B(v - j)
/// u = (x - first_x) / spacing, v = (y - first_y) / spacing
/// ```
///
/// with `B` the cubic B-spline, centred, of support (-2, 2); and `dy` likewise. Control point `(i, j)` lies at
/// `(first_x + i spacing, first_y + j spacing)`. Only `u` from 1 to `columns - 2`, and `v` alike, have all their control points:
/// a point farther out is displaced like the nearest one that has them (Rueckert et al. 1999, doi:10.1109/42.796284).
///
/// A clone shares the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "DeformationRecord", into = "DeformationRecord")]
pub struct Deformation {
    first: (f64, f64),
    spacing_px: f64,
    grid: Arc<Grid>,
}

/// The values at the control points, row by row.
#[derive(Debug, Clone, PartialEq)]
struct Grid {
    columns: usize,
    rows: usize,
    dx: Vec<f64>,
    dy: Vec<f64>,
}

/// How a deformation is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct DeformationRecord {
    /// What the values mean, for whoever reads the record.
    kind: Kind,
    first_x_px: f64,
    first_y_px: f64,
    spacing_px: f64,
    columns: usize,
    rows: usize,
    /// Displacements along x in pre px, row by row.
    dx_px: Vec<f64>,
    /// The same along y.
    dy_px: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// Added to where the homography sends a point.
    #[serde(rename = "cubic B-spline, added after the warp")]
    CubicBSplineAfterWarp,
}

impl Deformation {
    /// A field from the values at `columns` x `rows` control points, row by row; the first of them lies at `first` (post px).
    ///
    /// # Errors
    /// Where the grid has fewer than four points on an axis or too many, where the values are not as many as its points, and
    /// where a number is none of pixels.
    pub fn new(
        first: (f64, f64),
        spacing_px: f64,
        (columns, rows): (usize, usize),
        dx: Vec<f64>,
        dy: Vec<f64>,
    ) -> Result<Self, DeformationError> {
        let sides = MIN_POINTS..=MAX_POINTS;
        for values in [dx.len(), dy.len()] {
            if !sides.contains(&columns) || !sides.contains(&rows) || values != columns * rows {
                return Err(DeformationError::Grid {
                    columns,
                    rows,
                    values,
                });
            }
        }
        let numbers = dx.iter().chain(&dy).chain([&first.0, &first.1]);
        if let Some(wrong) = numbers.into_iter().find(|v| v.is_nan() || v.abs() > MAX_PX) {
            return Err(DeformationError::Number(*wrong));
        }
        if !(1e-3..=MAX_PX).contains(&spacing_px) {
            return Err(DeformationError::Number(spacing_px));
        }
        let grid = Grid {
            columns,
            rows,
            dx,
            dy,
        };
        Ok(Self {
            first,
            spacing_px,
            grid: Arc::new(grid),
        })
    }

    /// The same field in coordinates in which post points have `(x, y)` added, such as those of a canvas.
    #[must_use]
    pub fn moved(&self, x: f64, y: f64) -> Self {
        Self {
            first: (self.first.0 + x, self.first.1 + y),
            ..self.clone()
        }
    }

    /// Where the first control point lies, post px.
    pub fn first(&self) -> (f64, f64) {
        self.first
    }

    /// From one control point to the next, post px.
    pub fn spacing_px(&self) -> f64 {
        self.spacing_px
    }

    /// Control points along x and along y.
    pub fn points(&self) -> (usize, usize) {
        (self.grid.columns, self.grid.rows)
    }

    /// The displacement at the post point `(x, y)`, pre px.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        self.row(y).at(x)
    }

    /// The derivatives of the displacement at `(x, y)`: `[[d dx/dx, d dx/dy], [d dy/dx, d dy/dy]]`.
    pub fn gradient(&self, x: f64, y: f64) -> [[f64; 2]; 2] {
        let cells = |points: usize| points as f64 - 3.0;
        let place = |at: f64, first: f64, points: usize| {
            let u = (at - first) / self.spacing_px - 1.0;
            let inside = (0.0..=cells(points)).contains(&u);
            let u = u.clamp(0.0, cells(points));
            let cell = (u as usize).min(points - 4);
            let t = u - cell as f64;
            let slope = if inside { slopes(t) } else { [0.0; 4] };
            (cell, spline_weights(t), slope.map(|s| s / self.spacing_px))
        };
        let (i, wx, sx) = place(x, self.first.0, self.grid.columns);
        let (j, wy, sy) = place(y, self.first.1, self.grid.rows);
        let sum = |values: &[f64], a: &[f64; 4], b: &[f64; 4]| -> f64 {
            let of_row = |(r, b): (usize, &f64)| {
                let row = &values[(j + r) * self.grid.columns + i..][..4];
                b * (0..4).map(|k| a[k] * row[k]).sum::<f64>()
            };
            b.iter().enumerate().map(of_row).sum()
        };
        [&self.grid.dx, &self.grid.dy].map(|v| [sum(v, &sx, &wy), sum(v, &wx, &sy)])
    }

    /// No point is displaced by more than this along x, nor by more than that along y, pre px: the largest control values, whose
    /// convex hull holds the field.
    pub fn bound_px(&self) -> (f64, f64) {
        let largest = |values: &[f64]| values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        (largest(&self.grid.dx), largest(&self.grid.dy))
    }

    /// Whether `warp` with this field on top is one to one over an image of `post` size: a bound that holds between control
    /// points as well as at them.
    ///
    /// The derivatives of a B-spline lie within those from one control point to the next. Where the largest of them is less than
    /// the least magnification of the warp, no two points come to lie on each other, and the Jacobian is positive everywhere.
    pub fn is_invertible_with(&self, warp: &Warp, post: Size) -> bool {
        let steepest = self.steepest();
        let last = (
            post.width.saturating_sub(1) as f64,
            post.height.saturating_sub(1) as f64,
        );
        let step = |i: usize, last: f64| last * i as f64 / WARP_STEPS as f64;
        let mut points = (0..=WARP_STEPS).flat_map(|j| (0..=WARP_STEPS).map(move |i| (i, j)));
        points.all(|(i, j)| {
            let (x, y) = (step(i, last.0), step(j, last.1));
            warp.is_in_front(x, y) && steepest * WARP_SLACK < least_stretch(warp.jacobian(x, y))
        })
    }

    /// A bound of how much the displacement changes over a px of post, in any direction.
    fn steepest(&self) -> f64 {
        let Grid { columns, rows, .. } = *self.grid;
        let across = |values: &[f64], x: usize, y: usize, dx: usize, dy: usize| {
            let from = values[y * columns + x];
            ((values[(y + dy) * columns + x + dx] - from) / self.spacing_px).abs()
        };
        let mut steepest: f64 = 0.0;
        // The derivatives within a cell lie within the differences of its control points.
        for j in 0..rows - 3 {
            for i in 0..columns - 3 {
                let mut squares = 0.0;
                for values in [&self.grid.dx, &self.grid.dy] {
                    let (mut along, mut down): (f64, f64) = (0.0, 0.0);
                    for a in 0..4 {
                        for b in 0..3 {
                            along = along.max(across(values, i + b, j + a, 1, 0));
                            down = down.max(across(values, i + a, j + b, 0, 1));
                        }
                    }
                    squares += along * along + down * down;
                }
                steepest = steepest.max(squares.sqrt());
            }
        }
        steepest
    }

    /// The field along a row of post, ready to be asked for many points.
    pub(crate) fn row(&self, y: f64) -> FieldRow {
        let Grid { columns, rows, .. } = *self.grid;
        let v = ((y - self.first.1) / self.spacing_px - 1.0).clamp(0.0, rows as f64 - 3.0);
        let row = (v as usize).min(rows - 4);
        let down = spline_weights(v - row as f64);
        let along = |values: &[f64]| -> Vec<f64> {
            let at = |i: usize, r: usize| values[(row + r) * columns + i];
            (0..columns)
                .map(|i| (0..4).map(|r| down[r] * at(i, r)).sum())
                .collect()
        };
        let (dx, dy) = (along(&self.grid.dx), along(&self.grid.dy));
        let cells = (0..columns - 3)
            .map(|i| [cubic(&dx[i..i + 4]), cubic(&dy[i..i + 4])])
            .collect();
        FieldRow {
            first: self.first.0 + self.spacing_px,
            per_px: 1.0 / self.spacing_px,
            cells,
        }
    }
}

/// The least that a 2 x 2 matrix stretches anything: its smaller singular value; negative for one that mirrors, which no field
/// goes with.
fn least_stretch([[a, b], [c, d]]: [[f64; 2]; 2]) -> f64 {
    let (sum, difference) = ((a + d).hypot(c - b), (a - d).hypot(b + c));
    (sum - difference).abs() / 2.0 * (a * d - b * c).signum().abs()
}

/// Weights of the four control points about the place `t` of a cell, 0 to 1: the cubic B-spline.
pub fn spline_weights(t: f64) -> [f64; 4] {
    let r = 1.0 - t;
    [
        r * r * r / 6.0,
        (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
        (4.0 - 6.0 * r * r + 3.0 * r * r * r) / 6.0,
        t * t * t / 6.0,
    ]
}

/// Their derivatives, per cell.
fn slopes(t: f64) -> [f64; 4] {
    let r = 1.0 - t;
    [
        -r * r / 2.0,
        (3.0 * t * t - 4.0 * t) / 2.0,
        -(3.0 * r * r - 4.0 * r) / 2.0,
        t * t / 2.0,
    ]
}

/// The polynomial of a cell with these control values, constant term first.
fn cubic(c: &[f64]) -> [f64; 4] {
    [
        (c[0] + 4.0 * c[1] + c[2]) / 6.0,
        (c[2] - c[0]) / 2.0,
        (c[0] - 2.0 * c[1] + c[2]) / 2.0,
        (c[3] - c[0] + 3.0 * (c[1] - c[2])) / 6.0,
    ]
}

/// A field along one row of post: in each cell a polynomial.
#[derive(Debug, Clone)]
pub(crate) struct FieldRow {
    /// Where the first cell begins.
    first: f64,
    /// Cells per px.
    per_px: f64,
    /// Polynomials of dx and dy.
    cells: Vec<[[f64; 4]; 2]>,
}

impl FieldRow {
    /// The displacement at column `x`.
    #[inline(always)]
    pub(crate) fn at(&self, x: f64) -> (f64, f64) {
        let u = self.place(x);
        self.in_cell(self.cell(u), u)
    }

    /// Where column `x` lies, in cells.
    #[inline(always)]
    pub(crate) fn place(&self, x: f64) -> f64 {
        ((x - self.first) * self.per_px)
            .max(0.0)
            .min(self.cells.len() as f64)
    }

    /// The cell of a place.
    #[inline(always)]
    pub(crate) fn cell(&self, place: f64) -> usize {
        (place as usize).min(self.cells.len() - 1)
    }

    /// The displacement at a place of this cell.
    #[inline(always)]
    pub(crate) fn in_cell(&self, cell: usize, place: f64) -> (f64, f64) {
        let t = place - cell as f64;
        let [x, y] = &self.cells[cell];
        let value = |c: &[f64; 4]| c[0] + t * (c[1] + t * (c[2] + t * c[3]));
        (value(x), value(y))
    }
}

impl TryFrom<DeformationRecord> for Deformation {
    type Error = DeformationError;

    fn try_from(record: DeformationRecord) -> Result<Self, DeformationError> {
        Self::new(
            (record.first_x_px, record.first_y_px),
            record.spacing_px,
            (record.columns, record.rows),
            record.dx_px,
            record.dy_px,
        )
    }
}

impl From<Deformation> for DeformationRecord {
    fn from(field: Deformation) -> Self {
        let (grid, first) = (&field.grid, field.first);
        Self {
            kind: Kind::CubicBSplineAfterWarp,
            first_x_px: first.0,
            first_y_px: first.1,
            spacing_px: field.spacing_px,
            columns: grid.columns,
            rows: grid.rows,
            dx_px: grid.dx.clone(),
            dy_px: grid.dy.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
