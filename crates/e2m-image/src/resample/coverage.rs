//! Where on the canvas an image has pixels.

use super::line::Line;
use crate::{Canvas, Mapping, Size, Warp};
use std::ops::Range;

/// A point so far beyond the outermost pixels still counts as covered, px. What it lacks is then a thousandth of its
/// brightness, and a warp that is the identity but for rounding covers the whole frame.
const TOLERANCE_PX: f64 = 1e-3;

/// The pixels of the canvas that an image covers: those whose point in the image lies among its pixels, so that
/// interpolation has all its neighbours. What lies half a pixel further out is a mixture with nothing, and not covered.
#[derive(Debug, Clone)]
pub struct Coverage {
    canvas: Size,
    size: Size,
    /// From canvas pixels to raw pixels of the image.
    to_raw: Mapping,
}

impl Coverage {
    /// That of a raw image of `size`, placed on `canvas` as it is.
    pub fn placed(size: Size, canvas: Canvas) -> Self {
        Self::warped(size, canvas, Warp::identity())
    }

    /// That of a raw image of `size` seen through `mapping` (post-canvas to pre-canvas pixels), as
    /// [`WarpedPlane`](crate::WarpedPlane) shows it.
    pub fn warped(size: Size, canvas: Canvas, mapping: impl Into<Mapping>) -> Self {
        let pad = canvas.pad() as f64;
        Self {
            canvas: canvas.size(),
            size,
            to_raw: mapping.into().then_shift(-pad, -pad),
        }
    }

    /// The columns of row `row` of the canvas that are covered. Where the border of a deformed image crosses a row several
    /// times, the longest run of them.
    pub fn columns(&self, row: usize) -> Range<usize> {
        let line = Line::new(&self.to_raw.warp, row as f64);
        let within = |reach: (f64, f64), sign: f64| {
            let last = |length: usize| length as f64 - 1.0 + TOLERANCE_PX;
            let (x, y) = (sign * reach.0, sign * reach.1);
            line.columns(
                [-TOLERANCE_PX - x, -TOLERANCE_PX - y],
                [last(self.size.width) + x, last(self.size.height) + y],
                0.0,
                self.canvas.width,
            )
        };
        let Some(field) = &self.to_raw.deformation else {
            return within((0.0, 0.0), 0.0);
        };
        let reach = field.bound_px();
        let (possible, certain) = (within(reach, 1.0), within(reach, -1.0));
        let displaced = field.row(row as f64);
        let is_covered = |column: usize| {
            let ((u, v), (dx, dy)) = (line.point(column as f64), displaced.at(column as f64));
            let inside = |at: f64, length: usize| {
                (-TOLERANCE_PX..=length as f64 - 1.0 + TOLERANCE_PX).contains(&at)
            };
            inside(u + dx, self.size.width) && inside(v + dy, self.size.height)
        };
        if certain.is_empty() {
            return longest_run(possible, is_covered);
        }
        let before = (possible.start..certain.start).rev();
        let after = certain.end..possible.end;
        let start = certain.start - before.take_while(|&c| is_covered(c)).count();
        let end = certain.end + after.take_while(|&c| is_covered(c)).count();
        start..end
    }

    /// Pixels that are covered.
    pub fn pixels(&self) -> u64 {
        self.count(|columns| columns)
    }

    /// Pixels that another covers as well.
    pub fn pixels_shared_with(&self, other: &Self) -> u64 {
        let mut row = 0;
        self.count(|columns| {
            let others = other.columns(row);
            row += 1;
            columns.start.max(others.start)..columns.end.min(others.end)
        })
    }

    fn count(&self, mut of_row: impl FnMut(Range<usize>) -> Range<usize>) -> u64 {
        (0..self.canvas.height)
            .map(|row| of_row(self.columns(row)).len() as u64)
            .sum()
    }
}

/// The longest run of columns that are covered; the first of several.
fn longest_run(columns: Range<usize>, is_covered: impl Fn(usize) -> bool) -> Range<usize> {
    let (mut longest, mut start) = (0..0, columns.start);
    for column in columns.start..=columns.end {
        if column == columns.end || !is_covered(column) {
            if column - start > longest.len() {
                longest = start..column;
            }
            start = column + 1;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_is_placed_covers_its_own_pixels() {
        let canvas = Canvas::new(Size::new(30, 20), Size::new(25, 24), 7);
        let coverage = Coverage::placed(Size::new(30, 20), canvas);
        for row in 0..canvas.size().height {
            let wanted = if (7..27).contains(&row) { 7..37 } else { 0..0 };
            let found = coverage.columns(row);
            assert!(
                found == wanted || found.is_empty() && wanted.is_empty(),
                "{row}"
            );
        }
        assert_eq!(coverage.pixels(), 600);
    }

    #[test]
    fn what_is_covered_has_all_its_neighbours() {
        let size = Size::new(90, 70);
        let canvas = Canvas::new(size, size, 20);
        let tilted = Warp::new([[1.0, 0.02, -3.0], [-0.01, 0.9, 4.0], [2e-3, 6e-3, 1.0]]);
        let horizon = Warp::new([[1.0, 0.3, 0.0], [0.1, 1.0, 0.0], [0.02, -0.02, 0.6]]);
        for warp in [
            Warp::identity(),
            Warp::translation(0.5, -3.25),
            Warp::translation(500.0, 0.0),
            Warp::similarity(0.8, 33.0, (65.0, 55.0)),
            tilted.expect("a warp"),
            horizon.expect("a warp"),
        ] {
            let coverage = Coverage::warped(size, canvas, warp);
            let mut covered = 0;
            for y in 0..canvas.size().height {
                let columns = coverage.columns(y);
                for x in 0..canvas.size().width {
                    let (u, v) = warp.apply(x as f64, y as f64);
                    let (u, v) = (u - 20.0, v - 20.0);
                    let inside = |slack: f64| {
                        warp.is_in_front(x as f64, y as f64)
                            && (-slack..=89.0 + slack).contains(&u)
                            && (-slack..=69.0 + slack).contains(&v)
                    };
                    if columns.contains(&x) {
                        assert!(inside(2e-3), "{warp:?} at {x}, {y}: {u}, {v}");
                        covered += 1;
                    } else {
                        assert!(!inside(-1e-6), "{warp:?} at {x}, {y}: {u}, {v}");
                    }
                }
            }
            assert_eq!(covered, coverage.pixels());
            assert_eq!(covered > 0, warp != Warp::translation(500.0, 0.0));
            let post = Coverage::placed(size, canvas);
            assert!(coverage.pixels_shared_with(&post) <= covered);
        }
    }

    #[test]
    fn a_shift_is_shared_by_what_overlaps() {
        let size = Size::new(100, 40);
        let canvas = Canvas::new(size, size, 10);
        let post = Coverage::placed(size, canvas);
        let pre = Coverage::warped(size, canvas, Warp::translation(30.0, -10.0));
        assert_eq!(post.pixels_shared_with(&pre), 70 * 30);
    }
}
