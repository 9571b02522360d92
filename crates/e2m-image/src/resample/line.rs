//! One row of the result as a line through the plane.

use crate::Warp;
use std::ops::Range;

/// A row of the result: the point `(x, y)` for fixed `y` maps to `(u, v) = ((a, b) x + (c, d)) / w` with `w = g x + h`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    slopes: [f64; 3],
    offsets: [f64; 3],
}

impl Line {
    pub(super) fn new(warp: &Warp, y: f64) -> Self {
        let rows = warp.rows();
        Self {
            slopes: rows.map(|row| row[0]),
            offsets: rows.map(|row| row[1] * y + row[2]),
        }
    }

    /// The point that column `x` maps to; not a number beyond the horizon of a perspective, where nothing lies.
    pub(super) fn point(&self, x: f64) -> (f64, f64) {
        let w = self.slopes[2] * x + self.offsets[2];
        if w > 0.0 {
            self.point_in_front(x)
        } else {
            (f64::NAN, f64::NAN)
        }
    }

    /// The point that column `x` maps to, which lies before the horizon.
    #[inline(always)]
    pub(super) fn point_in_front(&self, x: f64) -> (f64, f64) {
        let [u, v, w] = std::array::from_fn(|i| self.slopes[i] * x + self.offsets[i]);
        let per_w = 1.0 / w;
        (u * per_w, v * per_w)
    }

    /// The columns below `columns` whose points may have a neighbour in an image of `width` x `height` once they are displaced by
    /// as much as `reach` along both axes, with one column of caution on both sides.
    pub(super) fn columns_near(
        &self,
        (width, height): (usize, usize),
        reach: (f64, f64),
        columns: usize,
    ) -> Range<usize> {
        let near = self.columns(
            [-1.0 - reach.0, -1.0 - reach.1],
            [width as f64 + reach.0, height as f64 + reach.1],
            0.0,
            columns,
        );
        near.start.saturating_sub(1)..(near.end + 1).min(columns)
    }

    /// The columns below `columns` whose points have all four neighbours in an image of `width` x `height`, wherever they are
    /// displaced to within `reach`, but for a pixel of caution on all sides.
    ///
    /// Where a numerator or the denominator is so small against its terms that the point might be off by that pixel,
    /// none has.
    pub(super) fn columns_inside(
        &self,
        (width, height): (usize, usize),
        reach: (f64, f64),
        columns: usize,
    ) -> Range<usize> {
        let [u, v, w] =
            std::array::from_fn(|i| self.slopes[i].abs() * columns as f64 + self.offsets[i].abs());
        // Terms are rounded to 1e-16 of them: 1e-5 px for a coordinate, 1e-12 of a coordinate below a million.
        let least_w = (u.max(v) * 1e-11).max(w * 1e-4);
        let high = [width as f64 - 3.0 - reach.0, height as f64 - 3.0 - reach.1];
        self.columns([1.0 + reach.0, 1.0 + reach.1], high, least_w, columns)
    }

    /// The columns up to `width` whose points lie between `low` and `high` in both coordinates, and where `w` is at least
    /// `least_w`: an interval, as each bound is linear in the column wherever `w` is positive.
    pub(super) fn columns(
        &self,
        low: [f64; 2],
        high: [f64; 2],
        least_w: f64,
        width: usize,
    ) -> Range<usize> {
        let [.., g] = self.slopes;
        let [.., h] = self.offsets;
        let (mut from, mut to) = (0.0f64, width as f64 - 1.0);
        // slope x + offset >= 0
        let mut at_least_zero = |slope: f64, offset: f64| {
            let root = -offset / slope;
            if slope > 0.0 {
                from = from.max(root);
            } else if slope < 0.0 {
                to = to.min(root);
            } else if offset < 0.0 || offset.is_nan() {
                to = f64::NEG_INFINITY;
            }
        };
        at_least_zero(g, h - least_w);
        for i in 0..2 {
            let (a, b) = (self.slopes[i], self.offsets[i]);
            at_least_zero(a - low[i] * g, b - low[i] * h);
            at_least_zero(high[i] * g - a, high[i] * h - b);
        }
        if from <= to {
            from.ceil() as usize..to.floor() as usize + 1
        } else {
            0..0
        }
    }
}
